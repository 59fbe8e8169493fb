// The application in which the trials run: a pool of ten, orders with items, jobs, an HTTP handler.
import 'reflect-metadata';
import { Controller, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  JobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { DataSource, EntitySchema, Repository } from 'typeorm';
import { CHANGE_TABLES } from './changes.mjs';

export const Order = new EntitySchema({
  name: 'order',
  tableName: 'chaos_order',
  columns: {
    id: { type: Number, primary: true, generated: true },
    tag: { type: String, unique: true },
  },
  relations: {
    items: { type: 'one-to-many', target: 'item', inverseSide: 'order', cascade: true },
  },
});

export const Item = new EntitySchema({
  name: 'item',
  tableName: 'chaos_item',
  columns: {
    id: { type: Number, primary: true, generated: true },
    tag: { type: String },
  },
  relations: { order: { type: 'many-to-one', target: 'order', inverseSide: 'items' } },
});

/** What steps change: each its own row; see changes.mjs. */
export const Stock = new EntitySchema({
  name: 'stock',
  tableName: 'chaos_stock',
  columns: {
    tag: { type: String, primary: true },
    note: { type: String, nullable: true },
    n: { type: Number },
    deletedAt: { type: 'timestamptz', deleteDate: true, nullable: true },
  },
});

/** As applications write them: with a manager of their own, made before any transaction. */
class Custom extends Repository {
  constructor(entity, dataSource) {
    super(entity, dataSource.createEntityManager());
  }
}

export class ChaosJob {
  constructor(tag) {
    this.tag = tag;
  }
}
JobArgs('chaos')(ChaosJob);

export const COUNTERS = 6;
const TABLES = `
  create table chaos_order (id serial primary key, tag text not null unique);
  create table chaos_item (
    id serial primary key, tag text not null, "orderId" int references chaos_order);
  create table chaos_counter (id int primary key, n int not null);
  insert into chaos_counter select id, 0 from generate_series(0, ${COUNTERS - 1}) id;
  insert into chaos_order (tag) values ('taken');
  ${CHANGE_TABLES}`;

export async function startWorld(url, { joinRepositories = true } = {}) {
  const dataSource = await new DataSource({
    type: 'postgres',
    url,
    entities: [Order, Item, Stock],
    logging: false,
    extra: {
      max: 10,
      connectionTimeoutMillis: 3_000,
      // A handler may wait for its own lock, on another connection: no deadlock that the server sees.
      options: '-c deadlock_timeout=30ms -c lock_timeout=1s',
    },
  }).initialize();
  await dataSource.query(TABLES);
  const customOrders = new Custom(Order, dataSource);
  const customStock = new Custom(Stock, dataSource);
  const { app, handlers, errors } = await startApp(dataSource, { joinRepositories });
  return {
    dataSource,
    orders: dataSource.getRepository(Order),
    customOrders,
    customStock,
    river: app.get(RiverClient),
    transaction: app.get(RiverTransaction),
    /** Handlers that wait to be called over HTTP, by the number of their trial. */
    handlers,
    /** What the caller over HTTP would have been told, by the number of the trial. */
    errors,
    address: await app.getUrl(),
    async stop() {
      await app.close();
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}

async function startApp(dataSource, { joinRepositories }) {
  const handlers = new Map();
  class Orders {
    async place(trial) {
      return await handlers.get(Number(trial))();
    }
  }
  const place = Object.getOwnPropertyDescriptor(Orders.prototype, 'place');
  RiverTransactional({ retries: 1 })(Orders.prototype, 'place', place);
  Object.defineProperty(Orders.prototype, 'place', place);
  Post(':trial')(Orders.prototype, 'place', place);
  Param('trial')(Orders.prototype, 'place', 0);
  Controller('orders')(Orders);

  class App {}
  Module({
    controllers: [Orders],
    imports: [RiverModule.forRoot({ dataSource, joinRepositories, notify: { cooldownMs: 0 } })],
  })(App);
  const app = await NestFactory.create(App, { logger: false, abortOnError: false });
  // The answer alone does not say which error it was.
  const errors = new Map();
  app.useGlobalFilters({
    catch(error, host) {
      const http = host.switchToHttp();
      errors.set(Number(http.getRequest().params.trial), error);
      http.getResponse().status(500).json({});
    },
  });
  await app.listen(0, '127.0.0.1');
  return { app, handlers, errors };
}
