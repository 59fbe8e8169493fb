import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { jobArgs, TooManyPendingInsertsError, type RiverClient } from 'nestjs-river';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let database: TestDatabase;
let client: StartedClient;
beforeAll(async () => {
  database = await createTestDatabase();
  client = await startClient({ database, river: { maxPendingInserts: 20 } });
});
afterEach(() => queryAll(database, 'truncate river_job'));
afterAll(() => client.stop());

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));
const unique = { uniqueOpts: { byArgs: true } };

/** Runs `work` while no insert can be stored. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const holder = await connect(database);
  await holder.query('begin; lock table river_job in share mode');
  try {
    await work();
  } finally {
    await holder.end();
  }
}

type Call = (river: RiverClient, n: number) => Promise<unknown>;

test.each<[string, Call]>([
  ['insert', (river, n) => river.insert(jobArgs('one', { n }))],
  ['insert of a unique job', (river, n) => river.insert(jobArgs('one', { n }), unique)],
  ['insertMany', (river, n) => river.insertMany([jobArgs('one', { n })])],
  ['insertManyFast', (river, n) => river.insertManyFast([jobArgs('one', { n })])],
])('an %s beyond the limit is rejected, and none before it', async (_, call) => {
  const { river } = client;
  let pending: Promise<unknown>[] = [];
  await whileLocked(async () => {
    pending = many(20, (n) => call(river, n));
    const error: unknown = await call(river, 20).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TooManyPendingInsertsError);
    expect(error).toMatchObject({ code: 'RIVER_TOO_MANY_PENDING_INSERTS', retryable: true });
  });
  await Promise.all(pending);
  expect(await countJobs(database)).toBe(20);
  await call(river, 21);
  expect(await countJobs(database)).toBe(21);
});

test('a list counts its jobs, but a hundredth of the limit at most', async () => {
  const { river } = client;
  const list = (count: number) => river.insertMany(many(count, (n) => jobArgs('list', { n })));
  let pending: Promise<unknown>[] = [];
  await whileLocked(async () => {
    pending = [...many(19, () => list(50)), river.insert(jobArgs('last', {}))];
    await expect(list(1)).rejects.toBeInstanceOf(TooManyPendingInsertsError);
  });
  await Promise.all(pending);
  expect(await countJobs(database)).toBe(951);
});

test('inserts that fail, and those in transactions, leave the limit as it is', async () => {
  const { river, transaction } = client;
  for (let n = 0; n < 21; n++) {
    const signal = AbortSignal.abort();
    await expect(river.insert(jobArgs('aborted', {}), { signal })).rejects.toThrow();
    const call = river.insertManyFast([jobArgs('bad', { n: Number.NaN })]);
    await expect(call).rejects.toThrow();
  }
  await transaction.run(() => Promise.all(many(30, (n) => river.insert(jobArgs('tx', { n })))));
  await Promise.all(many(20, (n) => river.insert(jobArgs('after', { n }))));
  expect(await countJobs(database)).toBe(50);
});

test.each([0, -1, 1.5, '5', Infinity])('maxPendingInserts: %p is refused', async (value) => {
  const river = { maxPendingInserts: value as number };
  await expect(startClient({ database, river })).rejects.toMatchObject({
    code: 'RIVER_INVALID_MODULE_OPTIONS',
    field: 'maxPendingInserts',
  });
});
