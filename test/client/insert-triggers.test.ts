import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InsertManyParams, JobDroppedError, jobArgs, type JobInsertResult } from 'nestjs-river';
import pg from 'pg';
import { queryAll } from '../support/index.js';
import { asStored, startClient, storedJobs, type StartedClient } from './started-client.js';

let client: StartedClient;
/** Another client of the same tables, which knows of no trigger when a test begins. */
let fresh: StartedClient;

beforeAll(async () => {
  client = await startClient();
  await queryAll(
    client.database,
    `create function drops() returns trigger language plpgsql as
       $$ begin if new.args ? 'drop' then return null; end if; return new; end $$;
     create function rewrites() returns trigger language plpgsql as
       $$ begin new.queue := 'routed'; new.priority := 4; new.args := new.args || '{"seen":true}';
          return new; end $$;
     create function renumbers() returns trigger language plpgsql as
       $$ begin new.id := new.id + 1000000; return new; end $$`,
  );
});
afterEach(async () => {
  await fresh?.stop();
  await queryAll(
    client.database,
    `drop trigger if exists test_trigger on river_job; truncate river_job`,
  );
});
afterAll(() => client.stop());

/** Creates the trigger, and then a client, or the client first, which notices the trigger on its own. */
async function start(name: string, order: 'before' | 'after' = 'before', rest = ''): Promise<void> {
  const create = (): Promise<unknown> =>
    queryAll(
      client.database,
      `create trigger test_trigger before insert on river_job for each row ${rest} execute function ${name}()`,
    );
  if (order === 'before') await create();
  fresh = await startClient({ database: client.database });
  if (order === 'before') return;
  // It has seen the table without triggers.
  await fresh.river.insertMany([job(-1), job(-2)]);
  await create();
}

const job = (number: number, more: object = {}): object => jobArgs('row', { number, ...more });
const dropped = (number: number): object => job(number, { drop: true });
const unique = (args: object): InsertManyParams =>
  InsertManyParams.of(args, { uniqueOpts: { byArgs: true } });

async function numbers(): Promise<unknown[]> {
  const rows = await storedJobs(client.database, "(args ->> 'number')::int >= 0");
  return rows.map(({ args }) => (args as { number: number }).number).sort();
}

/** The error of a promise that must reject. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect('a rejection').toBe('missing'),
    (error: unknown) => error,
  );
}

async function expectStored(results: readonly JobInsertResult[]): Promise<void> {
  const stored = new Map((await storedJobs(client.database)).map((row) => [row['id'], row]));
  for (const result of results) {
    expect(result.uniqueSkippedAsDuplicated).toBe(false);
    expect(result.job).toMatchObject({ queue: 'routed', priority: 4, args: { seen: true } });
    expect(asStored(result.job)).toEqual(stored.get(result.job.id));
  }
}

describe.each(['before', 'after'] as const)('a trigger made %s the first insert', (order) => {
  describe('that drops some jobs', () => {
    test('rejects the job that is dropped, and stores the next', async () => {
      await start('drops', order);
      const error = await errorOf(fresh.river.insert(dropped(1)));
      expect(error).toBeInstanceOf(JobDroppedError);
      expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED', index: undefined });
      const { job: stored } = await fresh.river.insert(job(2));
      expect(await storedJobs(client.database, `id = ${stored.id}`)).toHaveLength(1);
      expect(await numbers()).toEqual([2]);
    });

    test('gives each of the callers at the same time an answer of its own', async () => {
      await start('drops', order);
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          fresh.river.insert(n % 3 === 0 ? dropped(n) : job(n)).then(
            ({ job: { id } }) => id,
            (error: unknown) => (error instanceof JobDroppedError ? 'dropped' : error),
          ),
        ),
      );
      const rows = await storedJobs(client.database);
      const idOf = new Map(rows.map(({ id, args }) => [(args as { number: number }).number, id]));
      expect(outcomes).toEqual(outcomes.map((_, n) => (n % 3 === 0 ? 'dropped' : idOf.get(n))));
    });

    test('stores none of a list, and names the job', async () => {
      await start('drops', order);
      const error = await errorOf(fresh.river.insertMany([job(0), dropped(1), job(2)]));
      expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED', index: 1 });
      expect(await numbers()).toEqual([]);
      await fresh.river.insertMany([job(3), job(4)]);
      expect(await numbers()).toEqual([3, 4]);
    });

    test('stores none of lists that are inserted at the same time, but for those without', async () => {
      await start('drops', order);
      const outcomes = await Promise.allSettled([
        fresh.river.insertMany([job(0), job(1)]),
        fresh.river.insertMany([job(2), dropped(3)]),
        fresh.river.insertMany([job(4), job(5)]),
        fresh.river.insert(dropped(6)),
        fresh.river.insert(job(7)),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      expect(outcomes[1]).toMatchObject({ reason: { code: 'RIVER_JOB_DROPPED' } });
      expect(outcomes[3]).toMatchObject({
        reason: { code: 'RIVER_JOB_DROPPED', index: undefined },
      });
      expect(await numbers()).toEqual([0, 1, 4, 5, 7]);
    });

    test('stores none of a list of unique jobs, and names the job', async () => {
      await start('drops', order);
      await fresh.river.insertMany([unique(job(0)), unique(job(1))]);
      const list = [unique(job(0)), unique(job(2)), unique(dropped(3))];
      const error = await errorOf(fresh.river.insertMany(list));
      expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED', index: 2 });
      expect(await numbers()).toEqual([0, 1]);
      const results = await fresh.river.insertMany([unique(job(0)), unique(job(4))]);
      expect(results.map((result) => result.uniqueSkippedAsDuplicated)).toEqual([true, false]);
    });

    test('rejects a unique job that is dropped, also beside a lock', async () => {
      await start('drops', order);
      for (const uniqueOpts of [
        { byArgs: true },
        { byArgs: true, byState: ['available'] },
      ] as const) {
        const error = await errorOf(fresh.river.insert(dropped(1), { uniqueOpts }));
        expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED' });
      }
      expect(await numbers()).toEqual([]);
    });

    test('leaves a transaction usable when the job that was inserted alone is dropped', async () => {
      await start('drops', order);
      await fresh.dataSource.transaction(async (tx) => {
        const error = await errorOf(fresh.river.insertTx(tx, dropped(1)));
        expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED' });
        await fresh.river.insertTx(tx, job(2));
      });
      expect(await numbers()).toEqual([2]);
    });

    test('keeps a transaction with a list that lost a job from being committed', async () => {
      await start('drops', order);
      const committed = fresh.transaction.run(async () => {
        const error = await errorOf(fresh.river.insertMany([job(0), dropped(1)]));
        expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED' });
      });
      await expect(committed).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ROLLED_BACK' });
      expect(await numbers()).toEqual([]);
    });

    test.each(['fail', 'skip'] as const)(
      'stores none of a bulk insert (%s)',
      async (onConflict) => {
        await start('drops', order);
        const items = [job(0), dropped(1), job(2)];
        const error = await errorOf(fresh.river.insertManyFast(items, { onConflict }));
        expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED' });
        expect(await numbers()).toEqual([]);
      },
    );

    test('skips the duplicates of a bulk insert, which are not dropped', async () => {
      await start('drops', order);
      await fresh.river.insertMany([unique(job(0))]);
      const items = [unique(job(0)), unique(job(1)), unique(job(1))];
      expect(await fresh.river.insertManyFast(items, { onConflict: 'skip' })).toEqual({
        inserted: 1,
        skipped: 2,
      });
      const error = await errorOf(
        fresh.river.insertManyFast([unique(job(0)), unique(dropped(2))], { onConflict: 'skip' }),
      );
      expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED', index: 1 });
      expect(await numbers()).toEqual([0, 1]);
    });
  });

  describe('that rewrites jobs', () => {
    /** A single insert relies for some milliseconds on having seen no trigger. */
    const settle = async (): Promise<void> => {
      if (order === 'after') await fresh.river.insertMany([job(-3), job(-4)]);
    };

    test('returns the row stored', async () => {
      await start('rewrites', order);
      await settle();
      await expectStored([await fresh.river.insert(job(1))]);
      await expectStored([await fresh.river.insert(job(2), { uniqueOpts: { byArgs: true } })]);
      await expectStored([
        await fresh.river.insert(job(3), { uniqueOpts: { byArgs: true, byState: ['available'] } }),
      ]);
    });

    test('returns the rows of a list stored', async () => {
      await start('rewrites', order);
      await expectStored(await fresh.river.insertMany([job(1), job(2), job(3)]));
    });

    test('returns the rows of unique jobs stored', async () => {
      await start('rewrites', order);
      await expectStored(await fresh.river.insertMany([unique(job(1)), unique(job(2))]));
    });

    test('returns the rows stored in a transaction', async () => {
      await start('rewrites', order);
      const results = await fresh.dataSource.transaction(async (tx) => [
        ...(await fresh.river.insertManyTx(tx, [job(1), job(2)])),
        ...(await fresh.river.insertManyTx(tx, [unique(job(3)), unique(job(4))])),
        await fresh.river.insertTx(tx, job(5)),
      ]);
      await expectStored(results);
    });

    test('returns to each of the callers at the same time the row stored', async () => {
      await start('rewrites', order);
      await settle();
      const inserts = Array.from({ length: 20 }, (_, n) => fresh.river.insert(job(n)));
      const results = await Promise.all(inserts);
      await expectStored(results);
      expect(results.map((result) => (result.job.args as { number: number }).number)).toEqual(
        results.map((_, n) => n),
      );
    });
  });
});

test('an insert some milliseconds after a trigger was made returns the row stored', async () => {
  await start('rewrites', 'after');
  await sleep(30);
  await expectStored([await fresh.river.insert(job(1))]);
  await expectStored([await fresh.river.insert(job(2))]);
});

test('a trigger that gives jobs other ids leaves none of a list behind', async () => {
  await start('renumbers');
  const { job: one } = await fresh.river.insert(job(1));
  expect(await storedJobs(client.database, `id = ${one.id}`)).toHaveLength(1);
  const error = await errorOf(fresh.river.insertMany([job(2), job(3)]));
  expect(error).toMatchObject({ code: 'RIVER_JOB_DROPPED' });
  expect(await numbers()).toEqual([1]);
});

test('a trigger that is dropped or disabled is forgotten', async () => {
  await start('rewrites');
  await expectStored(await fresh.river.insertMany([job(1), job(2)]));
  await queryAll(client.database, 'alter table river_job disable trigger test_trigger');
  await fresh.river.insertMany([job(3), job(4)]);
  const [first] = await fresh.river.insertMany([job(5), job(6)]);
  expect(first.job).toMatchObject({ queue: 'default', priority: 1 });
  const { job: single } = await fresh.river.insert(job(7));
  expect(asStored(single)).toEqual((await storedJobs(client.database, `id = ${single.id}`))[0]);
});

type Query = (this: unknown, ...args: unknown[]) => unknown;

/** Changes what clients of pg return for statements that contain `part`. Returns what undoes it. */
function stubQueries(part: string, stub: (send: () => unknown) => unknown): () => void {
  const query = Reflect.get(pg.Client.prototype, 'query') as Query;
  const stubbed: Query = function (...args) {
    const [config] = args as [{ text?: string }];
    const send = (): unknown => query.apply(this, args);
    return config.text?.includes(part) ? stub(send) : send();
  };
  Reflect.set(pg.Client.prototype, 'query', stubbed);
  return () => void Reflect.set(pg.Client.prototype, 'query', query);
}

test('a response that lacks rows leaves the outcome unknown', async () => {
  fresh = await startClient({ database: client.database });
  const restore = stubQueries('inserted AS job', async (send) => {
    const result = (await send()) as { rows: unknown[] };
    return { ...result, rows: result.rows.slice(1) };
  });
  try {
    for (const insert of [
      () => fresh.river.insert(job(1), { uniqueOpts: { byArgs: true } }),
      () => fresh.river.insertMany([unique(job(2)), unique(job(3))]),
    ]) {
      const error = await errorOf(insert());
      expect(error).toMatchObject({ code: 'RIVER_INSERT_OUTCOME_UNKNOWN', outcome: 'unknown' });
      expect((error as Error).message).toMatch(/was not complete/);
    }
  } finally {
    restore();
  }
  expect(await numbers()).toEqual([1, 2, 3]);
});

describe('where the rows that a trigger made cannot be read back', () => {
  let restore: () => void;
  const startUnreadable = async (): Promise<void> => {
    await start('rewrites', 'after');
    await sleep(30);
    restore = stubQueries('job.id OPERATOR(pg_catalog.=) ANY', () =>
      Promise.reject(new Error('Query read timeout')),
    );
  };
  afterEach(() => restore());

  test('the outcome is unknown, and not a row that is not stored', async () => {
    await startUnreadable();
    const error = await errorOf(fresh.river.insert(job(1)));
    expect(error).toMatchObject({ code: 'RIVER_INSERT_OUTCOME_UNKNOWN', outcome: 'unknown' });
    expect(error).toMatchObject({ retryable: false, cause: { message: 'Query read timeout' } });
    expect(await numbers()).toEqual([1]);
  });

  test('the outcome of a unique job is unknown, too', async () => {
    await startUnreadable();
    const error = await errorOf(fresh.river.insert(job(1), { uniqueOpts: { byArgs: true } }));
    expect(error).toMatchObject({ code: 'RIVER_INSERT_OUTCOME_UNKNOWN', outcome: 'unknown' });
  });

  test('a transaction with such a job is not stored', async () => {
    await startUnreadable();
    const error = await errorOf(fresh.transaction.run(() => fresh.river.insert(job(1))));
    expect(error).toMatchObject({ code: 'RIVER_DATABASE', outcome: 'not-stored' });
    expect(await numbers()).toEqual([]);
  });
});
