// An application of its own process, for shutdown-limit.test.ts:
// `node shutdown-limit-app.mjs <database URL> <shutdownTimeoutMs>`.
// POST /hold/<how> reports 'held' once it is stuck in the given way: in a transaction, at its end, or in
// an insert outside a transaction. POST /late opens a transaction only after it received 'go on'.
import 'reflect-metadata';
import { Controller, Inject, Module, Param, Post } from '@nestjs/common';
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

const [url, shutdownTimeoutMs] = process.argv.slice(2);
/** @param {object} message */
const tell = (message) => process.send?.(message);
process.on('unhandledRejection', (reason) => tell({ unhandled: String(reason) }));
const forever = () => new Promise(() => undefined);
const held = () => {
  tell({ at: 'held' });
  return forever();
};
const goOn = () =>
  new Promise((resolve) => {
    process.on('message', (message) => message === 'go on' && resolve(undefined));
  });

class HoldController {
  /** @param {DataSource} dataSource @param {RiverClient} river @param {RiverTransaction} transaction */
  constructor(dataSource, river, transaction) {
    this.dataSource = dataSource;
    this.river = river;
    this.transaction = transaction;
  }

  /** @param {string} how */
  async hold(how) {
    try {
      await this.stick(how);
    } catch (error) {
      tell({ at: 'rejected', refused: error.name });
      throw error;
    }
  }

  /** @param {string} how @returns {Promise<unknown>} */
  async stick(how) {
    if (how === 'work') return await this.buy(held);
    if (how === 'lock')
      return await this.buy(async () => {
        tell({ at: 'held' });
        await this.dataSource.query('lock table locked');
      });
    if (how === 'statement')
      return await this.buy(async () => {
        tell({ at: 'about to hold' });
        await goOn();
        await this.dataSource.query('select 1');
      });
    if (how === 'connect')
      return await this.buy(async () => {
        tell({ at: 'about to hold' });
        await goOn();
        await this.transaction.run({ propagation: 'REQUIRES_NEW' }, () => undefined);
      });
    if (how === 'hook') return await this.buy(() => this.transaction.afterCommit(() => held()));
    if (how === 'insert') {
      tell({ at: 'held' });
      return await this.river.insert(jobArgs('outside', {}));
    }
    if (how === 'insertManyFast') {
      tell({ at: 'held' });
      return await this.river.insertManyFast([jobArgs('outside', {})]);
    }
    /** @type {Record<string, (event?: { query?: string }) => unknown>} */
    const subscribers = {
      beforeTransactionStart: held,
      afterTransactionStart: held,
      beforeTransactionCommit: held,
      afterTransactionCommit: held,
      beforeTransactionRollback: held,
      beforeQuery: (event) => (event?.query === 'select 1' ? held() : undefined),
      afterQuery: (event) => (event?.query === 'select 1' ? held() : undefined),
    };
    this.dataSource.subscribers.push({ [how]: subscribers[how] });
    return await this.buy(async () => {
      await this.dataSource.query('select 1');
      if (how === 'beforeTransactionRollback') throw new RangeError('on purpose');
    });
  }

  /** @param {() => unknown} rest */
  async buy(rest) {
    return await this.transaction.run(async () => {
      await this.dataSource.query(`insert into orders (item) values ('held')`);
      await this.river.insert(jobArgs('held', {}));
      return await rest();
    });
  }

  async decorated() {
    await this.dataSource.query(`insert into orders (item) values ('held')`);
    await held();
  }

  async late() {
    tell({ at: 'held' });
    await goOn();
    await this.transaction.run(async () => {
      await this.dataSource.query(`insert into orders (item) values ('late')`);
      await this.river.insert(jobArgs('late', {}));
    });
    await this.river.insert(jobArgs('late_outside', {}));
    return { stored: true };
  }
}
Controller()(HoldController);
/** @param {string} name @param {string} path @param {MethodDecorator[]} [decorators] */
const route = (name, path, decorators = []) => {
  for (const decorate of [...decorators, Post(path)]) {
    const descriptor = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(HoldController.prototype, name)
    );
    decorate(HoldController.prototype, name, descriptor);
    Object.defineProperty(HoldController.prototype, name, descriptor);
  }
};
route('hold', 'hold/:how');
route('decorated', 'decorated', [RiverTransactional()]);
route('late', 'late');
Param('how')(HoldController.prototype, 'hold', 0);
Inject(DataSource)(HoldController, undefined, 0);
Inject(RiverClient)(HoldController, undefined, 1);
Inject(RiverTransaction)(HoldController, undefined, 2);

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 }),
    RiverModule.forRoot({ shutdownTimeoutMs: Number(shutdownTimeoutMs), hookTimeoutMs: 500 }),
  ],
  controllers: [HoldController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
// Else an open connection of the test keeps the closed server for another five seconds.
app.getHttpServer().keepAliveTimeout = 200;
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.on('message', async (message) => {
  if (message === 'destroy') await app.get(DataSource).destroy();
  else if (message === 'close') await app.close();
  else return;
  tell({ at: 'closed' });
  process.disconnect();
});
tell({ at: 'listening', url: await app.getUrl() });
