// Careless work, each piece in a transaction: `node careless-app.mjs <database URL>`, with a table of
// orders in which the item 'taken' is taken. Tells of each what its caller was told, and which
// rejections nobody handled; and who listens on the process before the package is used, and after.
import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { jobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import { DataSource, EntitySchema } from 'typeorm';

const Order = new EntitySchema({
  name: 'order',
  tableName: 'orders',
  columns: {
    id: { type: Number, primary: true, generated: true },
    item: { type: String, unique: true },
  },
});
const EVENTS = ['unhandledRejection', 'uncaughtException', 'rejectionHandled', 'warning'];
const listeners = () =>
  Object.fromEntries(EVENTS.map((name) => [name, process.listenerCount(name)]));

const before = listeners();
const [url] = process.argv.slice(2);
const dataSource = await new DataSource({ type: 'postgres', url, entities: [Order] }).initialize();
class AppModule {}
Module({ imports: [RiverModule.forRoot({ dataSource })] })(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const river = app.get(RiverClient);
const transaction = app.get(RiverTransaction);
const orders = dataSource.getRepository(Order);
const bad = { item: 'taken' };
const BAD_SQL = 'select no_such_column';

/** Nobody waits for what fails in them. */
const FAILING = {
  'an insert that we refuse': () => void river.insert(jobArgs('job', {}), { priority: 9 }),
  'an insert that we refuse, with a handler of success': () =>
    void river.insert(jobArgs('job', {}), { priority: 9 }).then(() => undefined),
  'an insert that we refuse, with a last handler': () =>
    void river.insert(jobArgs('job', {}), { priority: 9 }).finally(() => undefined),
  'an insert that we refuse, in a chain': () =>
    void river
      .insert(jobArgs('job', {}), { priority: 9 })
      .then(() => undefined)
      .finally(() => undefined)
      .then(() => undefined),
  'many inserts that we refuse': () => void river.insertMany([jobArgs('', {})]),
  'an insert that the database refuses': (manager) => {
    manager.query('alter table river_job add constraint none check (false) not valid');
    river.insert(jobArgs('job', {}));
  },
  insertTx: (manager) => void river.insertTx(manager, jobArgs('job', {}), { priority: 9 }),
  'a nested transaction': () => {
    transaction.run({ propagation: 'NESTED' }, () => Promise.reject(new Error('careless')));
  },
  'a joined transaction': () => void transaction.run(() => Promise.reject(new Error('careless'))),
  // Of the manager that the helper hands out, and of its repositories.
  'manager.save': (manager) => void manager.save(Order, bad),
  'manager.insert': (manager) => void manager.insert(Order, bad),
  'manager.query': (manager) => void manager.query(BAD_SQL),
  'manager.find': (manager) => void manager.find(Order, { where: { id: 'no number' } }),
  'manager.transaction': (manager) => void manager.transaction((inner) => inner.save(Order, bad)),
  'manager.getRepository.save': (manager) => void manager.getRepository(Order).save(bad),
  'manager.getRepository.insert': (manager) => void manager.getRepository(Order).insert(bad),
  'manager.getRepository.query': (manager) => void manager.getRepository(Order).query(BAD_SQL),
  'manager.getRepository.count': (manager) =>
    void manager.getRepository(Order).count({ where: { id: 'no number' } }),
  'manager.withRepository.save': (manager) => void manager.withRepository(orders).save(bad),
  // Injected, or of the data source.
  'repository.save': () => void orders.save(bad),
  'repository.insert': () => void orders.insert(bad),
  'repository.find': () => void orders.find({ where: { id: 'no number' } }),
  'repository.findOneByOrFail': () => void orders.findOneByOrFail({ item: 'missing' }),
  'manager.getRepository.findOneOrFail': (manager) =>
    void manager.getRepository(Order).findOneOrFail({ where: { item: 'missing' } }),
  'repository.update': () => void orders.update({ id: 'no number' }, bad),
  'dataSource.query': () => void dataSource.query(BAD_SQL),
  'dataSource.manager.save': () => void dataSource.manager.save(Order, bad),
  'dataSource.transaction': () => void dataSource.transaction((inner) => inner.save(Order, bad)),
  // After the transaction has failed, too.
  'what comes after the failure': (manager) => {
    const late = async () => {
      await pause(20);
      void manager.save(Order, { item: 'late' });
      void orders.save({ item: 'late' });
      void river.insert(jobArgs('late', {}));
      void transaction.run(() => undefined);
      void dataSource.query('select 1');
    };
    void late();
    throw new Error('careless');
  },
  'what comes after a time-out': () => {
    const late = { propagation: 'REQUIRES_NEW', timeoutMs: 10 };
    return transaction.run(late, async (manager) => {
      await pause(20);
      void manager.save(Order, { item: 'late' });
      void orders.save({ item: 'late' });
      void river.insert(jobArgs('late', {}));
    });
  },
  'several at once': (manager) => {
    void manager.save(Order, bad);
    void river.insert(jobArgs('job', {}), { priority: 9 });
    void orders.save({ item: 'another' });
    void river.insert(jobArgs('job', {}));
    throw new Error('careless');
  },
  'a query of the query runner': (manager) => void manager.queryRunner.query(BAD_SQL),
};

/** The same, by promises that are made by TypeORM or by the application: we cannot see who waits. */
const BEYOND_US = {
  'query builder of the repository': () =>
    void orders.createQueryBuilder().insert().values(bad).execute(),
  'query builder of the manager': (manager) =>
    void manager.createQueryBuilder().insert().into(Order).values(bad).execute(),
  'query builder of the data source': () =>
    void dataSource.createQueryBuilder().insert().into(Order).values(bad).execute(),
};

/** The same where only the rejection of a promise that is not ours tells that nobody handled it. */
const PASSED_ON = {
  'Promise.all': () => void Promise.all([river.insert(jobArgs('job', {}), { priority: 9 })]),
  'Promise.race': () =>
    void Promise.race([river.insert(jobArgs('job', {}), { priority: 9 }), pause(20)]),
  'async function': () =>
    void (async () => await river.insert(jobArgs('job', {}), { priority: 9 }))(),
  'async function of a nested transaction': () =>
    transaction.run({ propagation: 'NESTED' }, () => {
      void (async () => await river.insert(jobArgs('job', {}), { priority: 9 }))();
    }),
};

/** Nothing fails but what comes when the caller has been told that all is well. */
const TOO_LATE = {
  'an insert': () => void pause(10).then(() => void river.insert(jobArgs('late', {}))),
  'a save': () => void pause(10).then(() => void orders.save({ item: 'late' })),
};

// Without a listener Node.js ends the process, and must do so before COMMIT is sent.
if (process.argv[3] === 'crash') {
  await transaction.run(async (manager) => {
    await manager.insert(Order, { item: 'lost' });
    void Promise.all([river.insert(jobArgs('job', {}), { priority: 9 })]);
  });
  console.log('committed');
}

const unhandled = [];
const onUnhandled = (reason) => unhandled.push(reason instanceof Error ? reason.name : reason);
/** What callers were told, and what was told to nobody. */
async function tryAll(works) {
  const results = {};
  for (const [name, work] of Object.entries(works)) {
    unhandled.length = 0;
    const told = await transaction.run(work).then(
      () => 'OK',
      (error) => error.name,
    );
    await pause(60);
    results[name] = { told, unhandled: [...unhandled] };
  }
  return results;
}
process.on('unhandledRejection', onUnhandled);
const failing = await tryAll(FAILING);
const beyondUs = await tryAll(BEYOND_US);
const passedOn = await tryAll(PASSED_ON);
const tooLate = await tryAll(TOO_LATE);
process.off('unhandledRejection', onUnhandled);

const warnings = [];
const onWarning = ({ message }) => warnings.push(message);
process.on('warning', onWarning);
const insert = () => transaction.run(() => river.insert(jobArgs('job', {})));
await Promise.all(Array.from({ length: 50 }, insert));
await pause(10);
process.off('warning', onWarning);

const used = listeners();
await app.close();
await dataSource.destroy();
console.log(JSON.stringify({ failing, beyondUs, passedOn, tooLate, warnings, before, used }));
