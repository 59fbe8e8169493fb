import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { InsertManyParams, InvalidJobError, jobArgs, type JobInsertResult } from 'nestjs-river';
import {
  createTestDatabase,
  queryAll,
  spyStatements,
  type StatementSpy,
  type TestDatabase,
} from '../support/index.js';
import { refuseJobs } from './refuse-jobs.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const ROWS = 5_000;

let database: TestDatabase;
let spy: StatementSpy;
let client: StartedClient;
beforeAll(async () => {
  database = await createTestDatabase();
  await refuseJobs(database, "new.kind = 'refused'");
  spy = await spyStatements(database);
  client = await startClient({ database: spy.database });
});
beforeEach(() => queryAll(database, 'truncate river_job'));
afterAll(async () => {
  await client.stop();
  await spy.close();
});

const numbered = (count: number) => Array.from({ length: count }, (_, n) => jobArgs('many', { n }));
const INSERT = expect.stringContaining('INTO river_job') as unknown as string;

test('a list too long for one statement goes as several in one transaction, in order', async () => {
  const { statements } = await spy.during(async () => {
    const results = await client.river.insertMany(numbered(2 * ROWS + 1));
    expect(results.every(({ job }, n) => job.args.n === n)).toBe(true);
    const ids = results.map(({ job }) => job.id);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
    const [row] = await queryAll(
      database,
      `select count(*)::int, count(distinct created_at)::int as times from river_job
      where (args->>'n')::bigint = id - $1`,
      [String(ids[0])],
    );
    expect(row).toEqual({ count: 2 * ROWS + 1, times: 1 });
  });
  expect(statements.map(({ sql }) => sql)).toEqual([
    expect.stringContaining('BEGIN'),
    INSERT,
    INSERT,
    INSERT,
    'COMMIT',
  ]);
});

test('no two results share a Date, nor one with the clock', async () => {
  const results = await client.river.insertMany(numbered(2));
  const dates = results.flatMap(({ job }) => [job.createdAt, job.scheduledAt]);
  expect(new Set(dates).size).toBe(4);
});

test('a list of few jobs with much text goes as several statements, too', async () => {
  const text = 'x'.repeat(9_000_000);
  const { statements } = await spy.during(() =>
    client.river.insertMany([jobArgs('long', { text }), jobArgs('long', { text })]),
  );
  expect(statements).toHaveLength(4);
});

test('of a list whose last statement the database rejects nothing is stored', async () => {
  const call = client.river.insertMany([...numbered(ROWS), jobArgs('refused', {})]);
  await expect(call).rejects.toMatchObject({ code: 'RIVER_DATABASE', sqlState: 'P0001' });
  expect(await countJobs(database)).toBe(0);
});

test('a list of several statements is rolled back with the transaction that it joined', async () => {
  const { statements } = await spy.during(() =>
    expect(
      client.transaction.run(async () => {
        await client.river.insertMany(numbered(ROWS + 1));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind'),
  );
  expect(statements.map(({ sql }) => sql)).toEqual([
    'START TRANSACTION',
    INSERT,
    INSERT,
    'ROLLBACK',
  ]);
  expect(await countJobs(database)).toBe(0);
});

test('unique jobs go in one statement, so that no two lists wait for each other', async () => {
  const unique = InsertManyParams.of(jobArgs('unique', {}), { uniqueOpts: { byArgs: true } });
  let results: readonly JobInsertResult<object>[] = [];
  const { statements } = await spy.during(async () => {
    results = await client.river.insertMany([unique, ...numbered(ROWS), unique]);
  });
  expect(statements.map(({ sql }) => sql)).toEqual([INSERT]);
  expect(results.at(0)?.uniqueSkippedAsDuplicated).toBe(false);
  expect(results.at(-1)).toMatchObject({
    uniqueSkippedAsDuplicated: true,
    job: { id: results[0]?.job.id },
  });
  expect(await countJobs(database)).toBe(ROWS + 1);
});

describe('what is too large for Postgres is rejected before anything is sent', () => {
  const text = 'x'.repeat(100_000_000);
  // 200 MB as a JavaScript string of 100 million characters, and 300 MB as UTF-8.
  const wide = '\u20ac'.repeat(100_000_000);

  test.each([
    ['args', { byPeriod: 60 }],
    ['args, in the lock path', { byPeriod: 60, byState: ['completed' as const] }],
  ])('a list with unique jobs and 600 MB of %s', async (_, uniqueOpts) => {
    const items = Array.from({ length: 6 }, () =>
      InsertManyParams.of(jobArgs('large', { text }), { uniqueOpts }),
    );
    const { statements } = await spy.during(() =>
      expect(client.river.insertMany(items)).rejects.toMatchObject({
        code: 'RIVER_LIST_TOO_LARGE',
        field: 'jobs',
        message: expect.stringContaining('insertManyFast') as unknown,
      }),
    );
    expect(statements).toEqual([]);
  });

  test.each([
    ['args', () => client.river.insert(jobArgs('large', { wide }))],
    ['args', () => client.river.insert(jobArgs('large', { a: text, b: text, c: text }))],
    ['metadata', () => client.river.insert(jobArgs('large', {}), { metadata: { wide } })],
  ])('a job with more than 256 MiB of %s', async (field, insert) => {
    const { statements } = await spy.during(async () => {
      const error: unknown = await insert().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidJobError);
      expect(error).toMatchObject({ field });
    });
    expect(statements).toEqual([]);
  });
});
