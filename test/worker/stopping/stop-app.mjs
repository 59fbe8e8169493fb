// An application of its own process, for stop.test.ts:
// `node stop-app.mjs <database URL> <where the client of Redis is> <softStopMs>`.
// Jobs of the kind `polite` wait to be told to go on, and use a client that its module closes in
// onModuleDestroy; those of `obedient` end when their signal aborts, those of `heedless` never.
import 'reflect-metadata';
import { Global, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { complete, RiverWorkerModule, Work } from 'nestjs-river/worker';

const [url, where, softStopMs] = process.argv.slice(2);
/** @param {object} message */
const tell = (message) => process.send?.(message);
process.on('unhandledRejection', (reason) => tell({ unhandled: String(reason) }));

/** As the clients of Redis and the like that modules close. */
class Redis {
  isOpen = true;
  publish() {
    if (!this.isOpen) throw new Error('The client is closed');
    return 'published';
  }
  async onModuleDestroy() {
    this.isOpen = false;
    tell({ at: 'redis closed' });
  }
}

class Jobs {
  /** @param {DataSource} dataSource @param {RiverClient} river @param {Redis} redis */
  constructor(dataSource, river, redis) {
    this.dataSource = dataSource;
    this.river = river;
    this.redis = redis;
  }

  async polite() {
    tell({ at: 'started polite' });
    await new Promise((resolve) => {
      process.on('message', (message) => message === 'go on' && resolve(undefined));
    });
    await this.dataSource.query(`insert into orders (item) values ('polite')`);
    await this.river.insert(jobArgs('next', {}));
    return complete(this.redis.publish());
  }

  /** @param {import('nestjs-river/worker').WorkedJob} job */
  async obedient({ signal }) {
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      tell({ at: 'started obedient' });
    });
  }

  async heedless() {
    tell({ at: 'started heedless' });
    await new Promise(() => undefined);
  }
}
/** @type {import('nestjs-river/worker').WorkOptions[]} */
const options = [{ transaction: true, timeoutMs: false }, {}, {}];
for (const [index, kind] of ['polite', 'obedient', 'heedless'].entries()) {
  const method = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(Jobs.prototype, kind)
  );
  Work(kind, options[index])(Jobs.prototype, kind, method);
}
Inject(DataSource)(Jobs, undefined, 0);
Inject(RiverClient)(Jobs, undefined, 1);
Inject(Redis)(Jobs, undefined, 2);

class RedisModule {}
Module({ providers: [Redis], exports: [Redis] })(RedisModule);
Global()(RedisModule);

class AppModule {}
const ours = [
  TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 }),
  RiverModule.forRoot({ shutdownTimeoutMs: 1_000 }),
  RiverWorkerModule.forRoot({
    queues: { default: 5 },
    softStopMs: Number(softStopMs),
    maintenance: 'elect',
  }),
];
const imports = {
  'in the root module': ours,
  'in a module before the worker': [RedisModule, ...ours],
  'in a module after the worker': [...ours, RedisModule],
}[where ?? ''];
const isInRoot = where === 'in the root module';
Module({ imports: imports ?? [], providers: isInRoot ? [Redis, Jobs] : [Jobs] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
app.enableShutdownHooks();
tell({ at: 'running' });
