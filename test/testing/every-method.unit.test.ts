import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { JobArgs, type RiverClient } from 'nestjs-river';
import { createFakeRiver, type FakeRiver } from 'nestjs-river/testing';
import type { EntityManager } from 'typeorm';
import { conditionsOf } from '../../lib/testing/memory/job-conditions.js';

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: readonly string[] = []) {}
}

/** Everything that a call may need: a job that waits, and a queue that is stored. */
interface Setting {
  readonly river: RiverClient;
  readonly tx: EntityManager;
  readonly id: string;
}

type Method = Exclude<keyof RiverClient, 'beforeApplicationShutdown'>;

const FILTERS = { kinds: ['sort'] };

/** One call of each method. The type checker asks for a call of each method that is added. */
const CALLS: Readonly<Record<Method, (setting: Setting) => Promise<unknown>>> = {
  insert: ({ river }) => river.insert(new SortArgs()),
  insertTx: ({ river, tx }) => river.insertTx(tx, new SortArgs()),
  insertMany: ({ river }) => river.insertMany([new SortArgs()]),
  insertManyTx: ({ river, tx }) => river.insertManyTx(tx, [new SortArgs()]),
  insertManyFast: ({ river }) => river.insertManyFast([new SortArgs()]),
  insertManyFastTx: ({ river, tx }) => river.insertManyFastTx(tx, [new SortArgs()]),
  explainUnique: ({ river }) =>
    river.explainUnique(new SortArgs(), { uniqueOpts: { byArgs: true } }),
  waitFor: ({ river, id }) => river.waitFor(id),
  insertAndWait: ({ river }) => river.insertAndWait(new SortArgs()),
  jobGet: ({ river, id }) => river.jobGet(id),
  jobGetTx: ({ river, tx, id }) => river.jobGetTx(tx, id),
  jobList: ({ river }) => river.jobList(FILTERS),
  jobListTx: ({ river, tx }) => river.jobListTx(tx, FILTERS),
  jobUpdate: ({ river, id }) => river.jobUpdate(id, { metadata: { a: 1 } }),
  jobUpdateTx: ({ river, tx, id }) => river.jobUpdateTx(tx, id, { priority: 2 }),
  jobCancel: ({ river, id }) => river.jobCancel(id),
  jobCancelTx: ({ river, tx, id }) => river.jobCancelTx(tx, id),
  jobRetry: ({ river, id }) => river.jobRetry(id),
  jobRetryTx: ({ river, tx, id }) => river.jobRetryTx(tx, id),
  jobRescue: ({ river, id }) => river.jobRescue(id),
  jobRescueTx: ({ river, tx, id }) => river.jobRescueTx(tx, id),
  jobDelete: ({ river, id }) => river.jobDelete(id),
  jobDeleteTx: ({ river, tx, id }) => river.jobDeleteTx(tx, id),
  jobCancelMany: ({ river }) => river.jobCancelMany(FILTERS),
  jobCancelManyTx: ({ river, tx }) => river.jobCancelManyTx(tx, FILTERS),
  jobRetryMany: ({ river }) => river.jobRetryMany(FILTERS),
  jobRetryManyTx: ({ river, tx }) => river.jobRetryManyTx(tx, FILTERS),
  jobDeleteMany: ({ river }) => river.jobDeleteMany(FILTERS),
  jobDeleteManyTx: ({ river, tx }) => river.jobDeleteManyTx(tx, FILTERS),
  queueGet: ({ river }) => river.queueGet('mail'),
  queueGetTx: ({ river, tx }) => river.queueGetTx(tx, 'mail'),
  queueList: ({ river }) => river.queueList(),
  queueListTx: ({ river, tx }) => river.queueListTx(tx),
  queuePause: ({ river }) => river.queuePause('mail'),
  queuePauseTx: ({ river, tx }) => river.queuePauseTx(tx, 'mail'),
  queueResume: ({ river }) => river.queueResume('mail'),
  queueResumeTx: ({ river, tx }) => river.queueResumeTx(tx, 'mail'),
  queueUpdate: ({ river }) => river.queueUpdate('mail', { metadata: {} }),
  queueUpdateTx: ({ river, tx }) => river.queueUpdateTx(tx, 'mail', { metadata: {} }),
  queueStats: ({ river }) => river.queueStats(),
};

let fake: FakeRiver;
beforeAll(async () => {
  fake = await createFakeRiver();
});
afterEach(() => fake.river.clear());
afterAll(() => fake.close());

function call(method: string): Promise<unknown> {
  const { river, transaction } = fake;
  return transaction.run(async (tx) => {
    const { job } = await transaction.outside(async () => {
      await river.queuePause('mail');
      return await river.insert(new SortArgs(['a']));
    });
    const one = CALLS[method as Method];
    const isWait = method === 'waitFor' || method === 'insertAndWait';
    if (!isWait) return await one({ river, tx, id: job.id });
    river.work(SortArgs, () => 'done');
    river.complete(job.id);
    return await transaction.outside(() => one({ river, tx, id: job.id }));
  });
}

test.each(Object.keys(CALLS))('RiverTestingModule knows the statements of %s', async (method) => {
  await expect(call(method)).resolves.not.toThrow();
});

test.each([
  ['without a value', 'job.attempt IS NULL'],
  ['with a value', 'job.attempt > $1::int'],
  ['beside one that is known', 'job.finalized_at IS NOT NULL AND job.attempt IS NULL'],
])('a condition that is not known in memory is not taken for true, %s', (_what, where) => {
  expect(conditionsOf(where, [1])).toBeUndefined();
});

test.each(['', 'true', 'job.finalized_at IS NOT NULL'])(
  'the condition "%s" is known in memory',
  (where) => {
    expect(conditionsOf(where, [])).toBeInstanceOf(Function);
  },
);
