import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  InsertAbortedError,
  InsertManyParams,
  InvalidJobError,
  JobArgs,
  jobArgs,
  RiverError,
  UniqueConflictError,
  type InsertManyFastOptions,
  type RiverClient,
} from 'nestjs-river';
import { queryAll, type StatementSpy } from '../support/index.js';
import {
  countJobs,
  startClient,
  storedJobs,
  startSpiedClient,
  type SpiedClient,
} from './started-client.js';

@JobArgs('only_inside', { outsideTransaction: 'error' })
class OnlyInside {}

@JobArgs('warned', { outsideTransaction: 'warn' })
class Warned {}

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(readonly id: number) {}
}

let spy: StatementSpy;
let client: SpiedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startSpiedClient();
  ({ river, spy } = client);
});
afterEach(() => queryAll(client.database, 'delete from river_job'));
afterAll(() => client.stop());

const job = (id: number) => jobArgs('plain', { id });
const jobs = (count: number) => Array.from({ length: count }, (_, id) => job(id));
const ids = async (): Promise<unknown[]> =>
  (await storedJobs(client.database)).map(({ args }) => (args as { id: number }).id);

const failure = async (attempt: Promise<unknown>): Promise<RiverError> => {
  const error: unknown = await attempt.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RiverError);
  return error as RiverError;
};

describe('items', () => {
  const THREE = { inserted: 3, skipped: 0 };
  async function* later(): AsyncGenerator<object> {
    for (const each of jobs(3)) yield await Promise.resolve(each);
  }

  test.each<[string, () => Iterable<object> | AsyncIterable<object>]>([
    ['an array', () => jobs(3)],
    ['a set', () => new Set(jobs(3))],
    ['a generator', () => jobs(3).values()],
    ['an async generator', later],
    ['a readable stream', () => Readable.from(jobs(3))],
    ['a web stream', () => Readable.toWeb(Readable.from(jobs(3))) as AsyncIterable<object>],
  ])('may be %s', async (_what, items) => {
    expect(await river.insertManyFast(items())).toEqual(THREE);
    expect(await ids()).toEqual([0, 1, 2]);
  });

  test('get ids in their order, over many chunks', async () => {
    expect(await river.insertManyFast(jobs(20_000))).toEqual({ inserted: 20_000, skipped: 0 });
    expect(await ids()).toEqual(jobs(20_000).map((_, id) => id));
  });

  test('that are none send nothing', async () => {
    const sent = await spy.during(async () => {
      expect(await river.insertManyFast([])).toEqual({ inserted: 0, skipped: 0 });
    });
    expect(sent.statements).toEqual([]);
  });

  test('have options of their own, of their class, and of the module, as in insertMany', async () => {
    const scheduledAt = new Date('2030-01-01T00:00:00Z');
    await river.insertManyFast([
      InsertManyParams.of(job(1), { queue: 'slow', priority: 3, tags: ['one', 'two'] }),
      InsertManyParams.of(job(2), { scheduledAt, metadata: { note: 'n' }, maxAttempts: 7 }),
      InsertManyParams.of(job(3), { pending: true }),
    ]);
    expect(await storedJobs(client.database)).toMatchObject([
      { queue: 'slow', priority: 3, tags: ['one', 'two'], state: 'available' },
      { state: 'scheduled', scheduled_at: scheduledAt, metadata: { note: 'n' }, max_attempts: 7 },
      { state: 'pending' },
    ]);
  });

  test('are stored by one COPY in one transaction, also where duplicates are left out', async () => {
    const one = await spy.during(() => river.insertManyFast(jobs(5_000)));
    const inserts = one.statements.map(({ sql }) => sql.split(' ')[0]);
    expect(inserts.filter((verb) => verb !== 'SELECT')).toEqual(['BEGIN', 'COPY', 'COMMIT']);

    const skip = await spy.during(() => river.insertManyFast(jobs(10), { onConflict: 'skip' }));
    const verbs = skip.statements.map(({ sql }) => sql.split(' ')[0]);
    expect(verbs.filter((verb) => verb !== 'SELECT')).toEqual([
      ...['BEGIN', 'CREATE', 'COPY', 'WITH', 'DROP', 'COMMIT'],
    ]);
  });
});

describe('what is refused', () => {
  test.each([
    ['null', null],
    ['a number', 3],
    ['a text', 'jobs'],
    ['an object', { length: 1 }],
    ['a promise', Promise.resolve([])],
  ])('items that are %s', async (_what, items) => {
    const error = await failure(river.insertManyFast(items as unknown as object[]));
    expect(error).toMatchObject({ name: 'InvalidJobError', field: 'jobs' });
  });

  test.each<[string, unknown, string]>([
    ['an option that is none', { conflict: 'skip' }, 'conflict'],
    ['another onConflict', { onConflict: 'update' }, 'onConflict'],
    ['an onProgress that is no function', { onProgress: true }, 'onProgress'],
    ['a signal that is none', { signal: {} }, 'signal'],
    ['options that are no object', 'skip', 'options'],
  ])('%s', async (_what, opts, field) => {
    const sent = await spy.during(async () => {
      const error = await failure(river.insertManyFast(jobs(1), opts as InsertManyFastOptions));
      expect(error).toMatchObject({ code: 'RIVER_INVALID_OPTION', field });
    });
    expect(sent.statements).toEqual([]);
  });

  test.each([
    ['among the first, before anything is sent', 3, []],
    ['in the middle, when many have been sent', 15_000, ['BEGIN', 'COPY', 'ROLLBACK']],
  ])('a job %s', async (_where, index, sentVerbs) => {
    const items: object[] = jobs(20_000);
    items[index] = InsertManyParams.of(job(index), { priority: 9 });
    const sent = await spy.during(async () => {
      const error = await failure(river.insertManyFast(items));
      expect(error).toBeInstanceOf(InvalidJobError);
      expect(error).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'priority', index });
      expect(error.message).toContain(`jobs[${index}]: priority`);
    });
    expect(sent.statements.map(({ sql }) => sql.split(' ')[0])).toEqual(sentVerbs);
    expect(await countJobs(client.database)).toBe(0);
  });

  test.each([
    ['no job at all', undefined, 'RIVER_ARGS_UNDECORATED'],
    ['a promise of a job', Promise.resolve(job(1)), 'RIVER_ARGS_UNDECORATED'],
    ['args that JSON would change', jobArgs('bad', { id: Number.NaN }), 'RIVER_ARGS_NOT_JSON'],
  ])('%s', async (_what, item, code) => {
    const error = await failure(river.insertManyFast([job(0), item as object]));
    expect(error).toMatchObject({ name: 'InvalidJobError', code, index: 1 });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('a unique job of the lock path', async () => {
    const uniqueOpts = { byArgs: true, byState: ['available'] } as const;
    const items = [job(0), InsertManyParams.of(job(1), { uniqueOpts })];
    const error = await failure(river.insertManyFast(items, { onConflict: 'skip' }));
    expect(error).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'uniqueOpts.byState',
      index: 1,
      message: expect.stringContaining('Use insertMany') as unknown,
    });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('a job whose own signal was raised, and one that must not be outside of transactions', async () => {
    const signal = AbortSignal.abort('too late');
    const aborted = [job(0), InsertManyParams.of(job(1), { signal })];
    const error = await failure(river.insertManyFast(aborted));
    expect(error).toBeInstanceOf(InsertAbortedError);
    expect(error.cause).toBe('too late');
    await expect(river.insertManyFast([job(0), new OnlyInside()])).rejects.toMatchObject({
      code: 'RIVER_OUTSIDE_TRANSACTION',
    });
    expect(await countJobs(client.database)).toBe(0);
    await client.transaction.run(() => river.insertManyFast([job(0), new OnlyInside()]));
    expect(await countJobs(client.database)).toBe(2);
  });

  test('a warning is given once for each kind', async () => {
    const ignore = (): void => undefined;
    const warn = jest.fn<(message: unknown) => void>();
    Logger.overrideLogger({ log: ignore, error: ignore, warn });
    try {
      await river.insertManyFast(Array.from({ length: 100 }, () => new Warned()));
    } finally {
      Logger.overrideLogger(['error', 'warn']);
    }
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringContaining(`kind 'warned'`),
    ]);
  });
});

describe('unique jobs', () => {
  const unique = (...numbers: number[]): Unique[] => numbers.map((id) => new Unique(id));

  test('are stored with their keys', async () => {
    await river.insertManyFast(unique(1, 2));
    const { uniqueSkippedAsDuplicated } = await river.insert(new Unique(2));
    expect(uniqueSkippedAsDuplicated).toBe(true);
  });

  test.each([
    ['is stored', [1, 2, 3, 7], 3],
    ['stands among the items', [1, 2, 4, 2], 3],
  ])('fail the whole when an equal one %s', async (_where, numbers, index) => {
    await river.insert(new Unique(7));
    const error = await failure(river.insertManyFast(unique(...numbers)));
    expect(error).toBeInstanceOf(UniqueConflictError);
    expect(error).toMatchObject({ code: 'RIVER_UNIQUE_CONFLICT', index, retryable: false });
    expect(error.message).toContain(`onConflict: 'skip'`);
    expect(error.cause).toMatchObject({ name: 'DatabaseError', sqlState: '23505' });
    expect(await ids()).toEqual([7]);
  });

  test("are left out with 'skip', the first of equal ones stored, all in their order", async () => {
    await river.insertMany(unique(7, 3));
    const items = [...unique(9, 7, 8), job(5), ...unique(9, 1, 3, 9), job(5)];
    expect(await river.insertManyFast(items, { onConflict: 'skip' })).toEqual({
      inserted: 5,
      skipped: 4,
    });
    expect(await ids()).toEqual([7, 3, 9, 8, 5, 1, 5]);
  });

  test('do not wait for each other in a circle', async () => {
    const numbers = Array.from({ length: 2_000 }, (_, id) => id);
    const orders = [numbers, numbers.toReversed(), numbers, numbers.toReversed()];
    const results = await Promise.all(
      orders.map((order) => river.insertManyFast(unique(...order), { onConflict: 'skip' })),
    );
    expect(results.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(2_000);
    expect(results.reduce((sum, { skipped }) => sum + skipped, 0)).toBe(6_000);
  });

  test("an application's own unique index is an error of the database", async () => {
    await queryAll(client.database, `create unique index own on river_job ((args ->> 'id'))`);
    try {
      for (const onConflict of ['fail', 'skip'] as const) {
        await expect(river.insertManyFast([job(1), job(1)], { onConflict })).rejects.toMatchObject({
          code: 'RIVER_DATABASE',
          sqlState: '23505',
        });
      }
    } finally {
      await queryAll(client.database, 'drop index own');
    }
    expect(await countJobs(client.database)).toBe(0);
  });
});

describe('onProgress', () => {
  test.each(['fail', 'skip'] as const)(
    'is called up to the number of all jobs: %s',
    async (onConflict) => {
      const told: number[] = [];
      const onProgress = (sent: number): unknown => told.push(sent);
      await river.insertManyFast(jobs(5_000), { onConflict, onProgress });
      expect(told.length).toBeGreaterThan(3);
      expect(told).toEqual([...told].sort((a, b) => a - b));
      expect(told.at(-1)).toBe(5_000);
    },
  );

  test('is waited for, and nothing is read meanwhile', async () => {
    let read = 0;
    function* items(): Generator<object> {
      for (const each of jobs(5_000)) yield (read++, each);
    }
    const readMeanwhile: number[] = [];
    const onProgress = async (): Promise<void> => {
      const before = read;
      await new Promise((resolve) => setTimeout(resolve, 20));
      readMeanwhile.push(read - before);
    };
    await river.insertManyFast(items(), { onProgress });
    expect(new Set(readMeanwhile)).toEqual(new Set([0]));
  });

  test('gives the insert up by an error, which is passed on', async () => {
    const thrown = new Error('enough');
    const onProgress = (sent: number): void => {
      if (sent > 1_000) throw thrown;
    };
    await expect(river.insertManyFast(jobs(5_000), { onProgress })).rejects.toBe(thrown);
    expect(await countJobs(client.database)).toBe(0);
  });
});

test("TypeORM's logger sees the statements, without values", async () => {
  const log = jest.fn<(sql: string, parameters?: unknown[]) => void>();
  const failed = jest.fn<(error: string | Error, sql: string) => void>();
  const ignore = (): void => undefined;
  const logger = {
    ...{ logQuery: log, logQueryError: failed, logQuerySlow: ignore },
    ...{ logSchemaBuild: ignore, logMigration: ignore, log: ignore },
  };
  const logged = await startClient({ database: client.database, dataSource: { logger } });
  try {
    await logged.river.insertManyFast([new Unique(123_456)]);
    expect(log.mock.calls.filter(([sql]) => sql.startsWith('COPY river_job (args'))).toHaveLength(
      1,
    );
    await failure(logged.river.insertManyFast([new Unique(123_456)]));
    expect(failed).toHaveBeenCalledTimes(1);
    // The third argument is the query runner.
    const seen = [...log.mock.calls, ...failed.mock.calls].map((call) => call.slice(0, 2));
    expect(JSON.stringify(seen)).not.toContain('123456');
  } finally {
    await logged.stop();
  }
});
