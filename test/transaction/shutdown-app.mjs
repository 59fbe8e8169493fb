// An application of its own process, for shutdown.test.ts:
// `node shutdown-app.mjs <database URL> <order> <shutdownTimeoutMs>`.
// POST /slow inserts an order, waits to be told to go on, and then inserts a job in its transaction.
// POST /stuck leaves a transaction behind that does not end. POST /commit and POST /rollback leave one
// behind that waits to be told to go on, and then ends; POST /subscribed one whose subscriber keeps the
// COMMIT waiting.
import 'reflect-metadata';
import { Controller, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';

const [url, order, shutdownTimeoutMs] = process.argv.slice(2);
/** @param {object} message */
const tell = (message) => process.send?.(message);
process.on('unhandledRejection', (reason) => tell({ unhandled: String(reason) }));

class OrdersController {
  /** @param {DataSource} dataSource @param {RiverClient} river @param {RiverTransaction} transaction */
  constructor(dataSource, river, transaction) {
    this.dataSource = dataSource;
    this.river = river;
    this.transaction = transaction;
  }

  async slow() {
    await this.dataSource.query(`insert into orders (item) values ('slow')`);
    tell({ at: 'started' });
    await new Promise((resolve) => {
      process.on('message', (message) => message === 'go on' && resolve(undefined));
    });
    await this.river.insert(jobArgs('in_transaction', {}));
    await this.dataSource.transaction(() => this.river.insert(jobArgs('in_savepoint', {})));
    return { stored: true };
  }

  async stuck() {
    const stuck = this.transaction.run(async () => {
      await this.dataSource.query(`insert into orders (item) values ('stuck')`);
      await this.river.insert(jobArgs('stuck', {}));
      tell({ at: 'stuck' });
      await new Promise(() => undefined);
    });
    stuck.catch((error) => tell({ at: 'given up', refused: error.name }));
  }

  async commit() {
    this.leave(() => undefined);
  }

  async subscribed() {
    this.dataSource.subscribers.push({
      beforeTransactionCommit: () => new Promise((resolve) => setTimeout(resolve, 2_000)),
    });
    this.leave(() => undefined);
  }

  async rollback() {
    this.leave(() => {
      throw new RangeError('rolled back');
    });
  }

  /** @param {() => void} end */
  leave(end) {
    const left = this.transaction.run(async () => {
      await this.river.insert(jobArgs('left', {}));
      tell({ at: 'about to end' });
      await new Promise((resolve) => {
        process.on('message', (message) => message === 'go on' && resolve(undefined));
      });
      end();
    });
    left.catch((error) => tell({ at: 'given up', refused: error.name }));
  }
}
Controller('orders')(OrdersController);
for (const path of ['stuck', 'commit', 'rollback', 'subscribed']) {
  Post(path)(
    OrdersController.prototype,
    path,
    /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(OrdersController.prototype, path)
    ),
  );
}
const slow = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(OrdersController.prototype, 'slow')
);
RiverTransactional()(OrdersController.prototype, 'slow', slow);
Object.defineProperty(OrdersController.prototype, 'slow', slow);
Post('slow')(OrdersController.prototype, 'slow', slow);
Inject(DataSource)(OrdersController, undefined, 0);
Inject(RiverClient)(OrdersController, undefined, 1);
Inject(RiverTransaction)(OrdersController, undefined, 2);

/** Tries, when the pool is about to end, what must be refused by then. */
class Late {
  /** @param {DataSource} dataSource @param {RiverClient} river */
  constructor(dataSource, river) {
    const { master } = /** @type {{ master: import('pg').Pool }} */ (
      /** @type {unknown} */ (dataSource.driver)
    );
    const end = master.end.bind(master);
    master.end = async (/** @type {any[]} */ ...args) => {
      const refused = await river.insert(jobArgs('late', {})).then(
        () => 'stored',
        (error) => error.name,
      );
      tell({ at: 'destroying', refused });
      return await Reflect.apply(end, master, args);
    };
  }
}
Inject(DataSource)(Late, undefined, 0);
Inject(RiverClient)(Late, undefined, 1);

class AppModule {}
const typeorm = TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 });
const river = RiverModule.forRoot({ shutdownTimeoutMs: Number(shutdownTimeoutMs) });
Module({
  imports: order === 'typeorm first' ? [typeorm, river] : [river, typeorm],
  controllers: [OrdersController],
  providers: [Late],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.on('message', async (message) => {
  if (message !== 'close') return;
  await app.close();
  process.disconnect();
});
tell({ at: 'listening', url: await app.getUrl() });
