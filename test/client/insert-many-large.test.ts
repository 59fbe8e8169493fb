import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs, type JobInsertResult } from 'nestjs-river';
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
    expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
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

test('so do few jobs with much text', async () => {
  const text = 'x'.repeat(9_000_000);
  const { statements } = await spy.during(() =>
    client.river.insertMany([jobArgs('long', { text }), jobArgs('long', { text })]),
  );
  expect(statements).toHaveLength(4);
});

test('one refused by the database in the last statement: nothing is stored', async () => {
  const call = client.river.insertMany([...numbered(ROWS), jobArgs('refused', {})]);
  await expect(call).rejects.toMatchObject({ code: 'RIVER_DATABASE', sqlState: 'P0001' });
  expect(await countJobs(database)).toBe(0);
});

test('in a transaction it is part of it', async () => {
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
