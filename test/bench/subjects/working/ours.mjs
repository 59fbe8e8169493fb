// This package's worker as an application has it: a provider with `@Work`. Tuned: 2,000 workers.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { JobArgs, RiverClient, RiverModule } from '../../../../dist/lib/index.js';
import { RiverWorker, RiverWorkerModule, Work } from '../../../../dist/lib/worker/index.js';
import { argsOf, each, INSERT_ORDER, KIND, orderOf } from '../../job.mjs';
import { workingOperations } from './operations.mjs';
import { UNFINISHED } from './river.mjs';

class Bench {
  constructor(number) {
    Object.assign(this, argsOf(number));
  }
}
JobArgs(KIND)(Bench);

/** Called by the handlers: the subject works one thing at a time. */
let onJob = () => undefined;

class Handler {
  work(job) {
    onJob(job.args.orderId);
  }
}
decorateMethod(Handler, 'work', Work(Bench));

/** `DataSource.query` joins the transaction of the job. */
class TransactionalHandler {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async work({ args }) {
    await this.dataSource.query(INSERT_ORDER, orderOf(args.orderId));
    onJob(args.orderId);
  }
}
Reflect.defineMetadata('design:paramtypes', [DataSource], TransactionalHandler);
decorateMethod(TransactionalHandler, 'work', Work(Bench, { transaction: true }));

export async function open({ url, tuned }) {
  const inserting = await applicationWith({ url, tuned });
  // Of the application that works, while there is one.
  let river = inserting.get(RiverClient);
  const start = async (handler, each) => {
    onJob = each;
    const application = await applicationWith({ url, tuned, handler });
    await application.get(RiverWorker).start();
    river = application.get(RiverClient);
    return async () => {
      river = inserting.get(RiverClient);
      await application.close();
    };
  };

  return await workingOperations(url, {
    unfinished: UNFINISHED,
    insert: (number) => river.insert(new Bench(number)),
    insertBulk: (first, count) =>
      river.insertManyFast(each(first, count, (number) => new Bench(number))),
    start: (each) => start(Handler, each),
    startTransactional: (each) => start(TransactionalHandler, each),
    close: () => inserting.close(),
  });
}

function applicationWith({ url, tuned, handler }) {
  const works = handler && [
    RiverWorkerModule.forRoot({ queues: { default: tuned ? 2_000 : 100 }, autoStart: false }),
  ];
  const module = {
    module: class Application {},
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url, poolSize: 10 }),
      RiverModule.forRoot(),
      ...(works ?? []),
    ],
    providers: handler ? [handler] : [],
  };
  return NestFactory.createApplicationContext(module, { logger: ['error'] });
}

function decorateMethod({ prototype }, name, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  decorator(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
}
