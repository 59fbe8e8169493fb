// What RiverTransaction.run costs over a transaction written by hand on a query runner, with the same
// statements: an order by its repository, and a job. One after the other, alternating, on one server.
//
//   npm run build && node test/bench/transactional-overhead.mjs [--iterations 4000] [--url postgres://…]
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import {
  JobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from '../../dist/lib/index.js';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource, EntitySchema } from 'typeorm';
import { createDatabase } from '../chaos/database.mjs';
import { alternate } from './alternate.mjs';

const { values: given } = parseArgs({
  options: { iterations: { type: 'string', default: '4000' }, url: { type: 'string' } },
});

const Order = new EntitySchema({
  name: 'order',
  tableName: 'bench_order',
  columns: {
    id: { type: Number, primary: true, generated: true },
    item: { type: String },
  },
});

class SendReceipt {
  constructor(orderId) {
    this.orderId = orderId;
  }
}
JobArgs('send_receipt')(SendReceipt);

const database = await createDatabase(given.url);
const dataSource = await new DataSource({
  type: 'postgres',
  url: database.url,
  entities: [Order],
}).initialize();
await dataSource.query('create table bench_order (id serial primary key, item text not null)');

class Orders {
  async place(item) {
    const order = await orders.save({ item });
    await river.insert(new SendReceipt(order.id));
  }
}
const place = Object.getOwnPropertyDescriptor(Orders.prototype, 'place');
RiverTransactional()(Orders.prototype, 'place', place);
Object.defineProperty(Orders.prototype, 'place', place);
Injectable()(Orders);
class App {}
Module({ imports: [RiverModule.forRoot({ dataSource })], providers: [Orders] })(App);
const app = await NestFactory.createApplicationContext(App, { logger: false });
const orders = dataSource.getRepository(Order);
const river = app.get(RiverClient);
const transaction = app.get(RiverTransaction);
const service = app.get(Orders);

/** The same statements on a query runner, begun and ended by hand. */
async function byHand(item) {
  const queryRunner = dataSource.createQueryRunner();
  await queryRunner.connect();
  await queryRunner.startTransaction();
  try {
    const order = await queryRunner.manager.getRepository(Order).save({ item });
    await river.insertTx(queryRunner, new SendReceipt(order.id));
    await queryRunner.commitTransaction();
  } catch (error) {
    await queryRunner.rollbackTransaction();
    throw error;
  } finally {
    await queryRunner.release();
  }
}

const ways = {
  'by hand': byHand,
  'RiverTransaction.run': (item) =>
    transaction.run(async () => {
      const order = await orders.save({ item });
      await river.insert(new SendReceipt(order.id));
    }),
  '@RiverTransactional()': (item) => service.place(item),
};

await alternate(ways, {
  iterations: Number(given.iterations),
  description: database.description,
});
await app.close();
if (dataSource.isInitialized) await dataSource.destroy();
await database.drop();
