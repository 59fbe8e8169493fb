// What RiverTransaction.run costs over a transaction written by hand on a query runner, with the same
// statements: an order by its repository, and a job. One after the other, alternating, on one server.
//
//   npm run build && node test/bench/transactional-overhead.mjs [--iterations 4000] [--url postgres://…]
import 'reflect-metadata';
import { availableParallelism, loadavg } from 'node:os';
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

const WARM_UP = 500;
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

const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
const names = Object.keys(ways);
for (let round = -WARM_UP; round < Number(given.iterations); round++) {
  // Each goes first, second and third equally often.
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(((round + turn) % names.length) + names.length) % names.length];
    const begun = process.hrtime.bigint();
    await ways[name](`order ${round}`);
    if (round >= 0) times[name].push(Number(process.hrtime.bigint() - begun) / 1000);
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const base = median(times['by hand']);
const [load] = loadavg();
console.log(
  `${database.description}, ${given.iterations} of each, load ${load.toFixed(1)} on ${availableParallelism()} CPUs`,
);
for (const [name, list] of Object.entries(times)) {
  const p50 = median(list);
  console.log(
    `${name.padEnd(22)} p50 ${p50.toFixed(0).padStart(6)} µs   ratio ${(p50 / base).toFixed(3)}`,
  );
}
await app.close();
if (dataSource.isInitialized) await dataSource.destroy();
await database.drop();
