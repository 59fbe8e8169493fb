import { Inject } from '@nestjs/common';
import { InsertManyParams, jobArgs, RiverClient, RiverTransactional } from 'nestjs-river';

const LOCKED = { byArgs: true, byState: ['available', 'scheduled'] };
const UNIQUE = { byArgs: true };

/** @type {(run: number, count: number, start?: number) => object[]} */
const jobs = (run, count, start = 0) =>
  Array.from({ length: count }, (_, n) => jobArgs('cut', { run, n: start + n }));

/** @type {(run: number, count: number, uniqueOpts: object) => any[]} */
const uniqueJobs = (run, count, uniqueOpts) =>
  jobs(run, count).map((args) => InsertManyParams.of(args, { uniqueOpts }));

/**
 * One call or more whose answers are compared with what is stored. Each call is told by the number of
 * jobs that it inserts; together they are numbered from 0 in `args.n`.
 *
 * @typedef {object} Form
 * @property {number[]} calls How many jobs each call inserts.
 * @property {(on: { river: any, transaction: any, dataSource: any, handlers: any }, run: number) => Promise<unknown>[]} begin
 */

/** @type {Record<string, Form>} */
export const FORMS = {
  insert: { calls: [1], begin: ({ river }, run) => [river.insert(...jobs(run, 1))] },
  'insert, five at once': {
    calls: [1, 1, 1, 1, 1],
    begin: ({ river }, run) => jobs(run, 5).map((args) => river.insert(args)),
  },
  'insert, unique': {
    calls: [1],
    begin: ({ river }, run) => [river.insert(...jobs(run, 1), { uniqueOpts: UNIQUE })],
  },
  'insert, unique by a lock': {
    calls: [1],
    begin: ({ river }, run) => [river.insert(...jobs(run, 1), { uniqueOpts: LOCKED })],
  },
  insertMany: { calls: [3], begin: ({ river }, run) => [river.insertMany(jobs(run, 3))] },
  'insertMany, unique': {
    calls: [3],
    begin: ({ river }, run) => [river.insertMany(uniqueJobs(run, 3, UNIQUE))],
  },
  'insertMany, several statements': {
    calls: [5001],
    begin: ({ river }, run) => [river.insertMany(jobs(run, 5001))],
  },
  insertManyFast: { calls: [3], begin: ({ river }, run) => [river.insertManyFast(jobs(run, 3))] },
  'insertManyFast, skip': {
    calls: [3],
    begin: ({ river }, run) => [
      river.insertManyFast(uniqueJobs(run, 3, UNIQUE), { onConflict: 'skip' }),
    ],
  },
  insertAndWait: {
    calls: [1],
    begin: ({ river }, run) => [river.insertAndWait(...jobs(run, 1), {}, { timeoutMs: 20 })],
  },
  'insert in run()': {
    calls: [2],
    begin: ({ river, transaction }, run) => [
      transaction.run(() => Promise.all(jobs(run, 2).map((args) => river.insert(args)))),
    ],
  },
  'insertManyFast in run()': {
    calls: [3],
    begin: ({ river, transaction }, run) => [
      transaction.run(() => river.insertManyFast(jobs(run, 3))),
    ],
  },
  'insert in a nested run()': {
    calls: [2],
    begin: ({ river, transaction }, run) => [
      transaction.run(async () => {
        await river.insert(...jobs(run, 1));
        await transaction.run({ propagation: 'NESTED' }, () => river.insert(...jobs(run, 1, 1)));
      }),
    ],
  },
  'insert in @RiverTransactional()': {
    calls: [2],
    begin: ({ handlers }, run) => [handlers.insert(jobs(run, 2))],
  },
  'insertTx in dataSource.transaction': {
    calls: [1],
    begin: ({ river, dataSource }, run) => [
      dataSource.transaction((manager) => river.insertTx(manager, ...jobs(run, 1))),
    ],
  },
  'insertTx in a transaction of the caller': {
    calls: [1],
    begin: ({ river, dataSource }, run) => [insertInOwn(dataSource, river, run)],
  },
};

/** The errors of TypeORM say nothing of the outcome, so those of `insertTx` alone are told. */
async function insertInOwn(dataSource, river, run) {
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    await river.insertTx(queryRunner, ...jobs(run, 1));
    await queryRunner.commitTransaction();
  } catch (error) {
    await queryRunner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await queryRunner.release();
  }
}

/** A provider whose method is a transaction. */
export class Handlers {
  /** @param {object[]} all */
  async insert(all) {
    for (const args of all) await this.river.insert(args);
  }
}
// As a compiler would: this file is JavaScript.
Inject(RiverClient)(Handlers.prototype, 'river');
const descriptor = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(Handlers.prototype, 'insert')
);
Object.defineProperty(
  Handlers.prototype,
  'insert',
  RiverTransactional()(Handlers.prototype, 'insert', descriptor) ?? descriptor,
);
