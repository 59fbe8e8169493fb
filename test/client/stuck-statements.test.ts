import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DatabaseError, InsertAbortedError, jobArgs, type JobInsertResult } from 'nestjs-river';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { FreezingProxy } from './freezing-proxy.js';
import { countJobs, startClient, type StartedClient, type StartOptions } from './started-client.js';

let database: TestDatabase;
const undo: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(
    database,
    `create function wait_for_lock() returns trigger language plpgsql as $$
     begin perform pg_advisory_xact_lock_shared(1); return new; end $$;
     create trigger wait_for_lock after insert on river_job
     for each row when (new.kind = 'stuck') execute function wait_for_lock()`,
  );
});
beforeEach(() => queryAll(database, 'delete from river_job'));
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

async function start(options: StartOptions = {}): Promise<StartedClient> {
  const client = await startClient({ database, ...options });
  undo.push(() => client.stop());
  return client;
}

/** Holds jobs of the kind `stuck`, or the whole table, until it is let go. */
async function hold(sql = 'select pg_advisory_lock(1)'): Promise<() => Promise<void>> {
  const holder = await connect(database);
  let isHeld = true;
  const letGo = async (): Promise<void> => {
    if (isHeld) await holder.end();
    isHeld = false;
  };
  undo.push(letGo);
  await holder.query(sql);
  return letGo;
}

const TABLE = 'begin; lock table river_job in share mode';

/** Waits until so many inserts wait for a lock. */
async function waitingInserts(count: number): Promise<void> {
  for (;;) {
    const rows = await queryAll(
      database,
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length === count) return;
  }
}

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

/** The calls that have ended, as they end. */
function watch(calls: readonly Promise<JobInsertResult>[]): Map<number, unknown> {
  const ended = new Map<number, unknown>();
  calls.forEach((call, n) => {
    call.then(
      ({ job }) => ended.set(n, job.args),
      (error: unknown) => ended.set(n, error),
    );
  });
  return ended;
}

describe('of 64 callers two are stuck, and only those two wait', () => {
  test.each([
    ['the first two', [0, 1]],
    ['two that would share statements with others', [17, 40]],
    ['the last two', [62, 63]],
  ])('behind a lock: %s', async (_, stuck) => {
    const { river } = await start();
    const letGo = await hold();
    const calls = many(64, (n) =>
      river.insert(jobArgs(stuck.includes(n) ? 'stuck' : 'free', { n })),
    );
    const ended = watch(calls);
    const results = await Promise.all(calls.filter((_call, n) => !stuck.includes(n)));
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(62);
    await waitingInserts(2);
    // What comes later does not wait either.
    await Promise.all(many(64, (n) => river.insert(jobArgs('later', { n }))));
    expect(stuck.filter((n) => ended.has(n))).toEqual([]);
    expect(await countJobs(database)).toBe(126);
    await letGo();
    await Promise.all(calls);
    expect(many(64, (n) => ended.get(n))).toEqual(many(64, (n) => ({ n })));
    expect(await countJobs(database)).toBe(128);
  });

  test('on two connections out of ten that are dead', async () => {
    const proxy = await FreezingProxy.open(database);
    undo.push(() => proxy.close());
    const { river, dataSource } = await start({ database: proxy.database });
    await Promise.all(many(10, () => dataSource.query('select 1')));
    proxy.freezeNext(2);
    const calls = many(64, (n) => river.insert(jobArgs('sent', { n })));
    const ended = watch(calls);
    while (ended.size < 62) await Promise.race(calls.filter((_call, n) => !ended.has(n)));
    await Promise.all(many(64, (n) => river.insert(jobArgs('later', { n }))));
    expect(ended.size).toBe(62);
    proxy.cutFrozen();
    const outcomes = await Promise.allSettled(calls);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown)).toEqual([
      expect.any(DatabaseError),
      expect.any(DatabaseError),
    ]);
    expect(await countJobs(database)).toBe(126);
  });
});

test('a call that is retried alone after a shared statement failed is stored once', async () => {
  const { river } = await start({ river: { coalesce: { maxStatements: 1 } } });
  const letGo = await hold();
  const calls = many(20, (n) =>
    river.insertMany([jobArgs(n === 9 ? 'stuck' : 'free', { n }), jobArgs('free', { n })]),
  );
  await Promise.all(calls.filter((_call, n) => n !== 9));
  await letGo();
  await calls[9];
  const rows = await queryAll(
    database,
    `select args->>'n' as n from river_job group by 1 having count(*) = 2`,
  );
  expect(rows).toHaveLength(20);
  expect(await countJobs(database)).toBe(40);
});

describe('an aborted signal releases an insert at once', () => {
  test('that is queued for a shared statement', async () => {
    const { river } = await start({ dataSource: { max: 2 } });
    const letGo = await hold(TABLE);
    const first = many(2, (n) => river.insert(jobArgs('first', { n })));
    await waitingInserts(2);
    const abort = new AbortController();
    const { signal } = abort;
    const queued = [
      river.insert(jobArgs('aborted', {}), { signal }),
      river.insert(jobArgs('aborted', {}), { signal }),
    ];
    const other = river.insert(jobArgs('other', {}));
    abort.abort(new Error('the client went away'));
    for (const call of queued) await expect(call).rejects.toBeInstanceOf(InsertAbortedError);
    await letGo();
    await Promise.all([...first, other]);
    expect(await countJobs(database, `kind = 'aborted'`)).toBe(0);
    expect(await countJobs(database)).toBe(3);
  });

  test.each([
    ['alone', { river: { coalesce: false as const } }, {}],
    ['in a shared statement', {}, {}],
    ['of a unique job', {}, { uniqueOpts: { byArgs: true } }],
    [
      'of a unique job that needs a lock',
      {},
      { uniqueOpts: { byArgs: true, byState: ['completed' as const] } },
    ],
  ])('that waits for a connection of the pool: %s', async (_, options, opts) => {
    const { river, dataSource } = await start({ ...options, dataSource: { max: 1 } });
    const runner = dataSource.createQueryRunner();
    await runner.connect();
    const abort = new AbortController();
    const call = river.insert(jobArgs('aborted', {}), { ...opts, signal: abort.signal });
    const other = river.insert(jobArgs('other', {}), opts);
    await setImmediate();
    abort.abort(new Error('the client went away'));
    await expect(call).rejects.toMatchObject({ code: 'RIVER_ABORTED' });
    await runner.release();
    await other;
    expect(await countJobs(database, `kind = 'aborted'`)).toBe(0);
  });
});

describe('while the pool has no connection, each call waits for the whole connection timeout', () => {
  const LIMIT = { max: 1, extra: { connectionTimeoutMillis: 300 } };

  test.each([1, 2])('with %i statements at once', async (maxStatements) => {
    const { river, dataSource } = await start({
      dataSource: LIMIT,
      river: { coalesce: { maxStatements } },
    });
    const runner = dataSource.createQueryRunner();
    await runner.connect();
    const early: Promise<unknown>[] = [];
    for (let n = 0; n < maxStatements; n++) {
      early.push(expect(river.insert(jobArgs('early', { n }))).rejects.toThrow(DatabaseError));
      await setImmediate();
    }
    // The others come later, while the requests of these are in the queue of the pool.
    await sleep(20);
    const late = many(5, (n) => river.insert(jobArgs('late', { n })));
    const ended = watch(late);
    await Promise.all(early);
    expect(ended.size).toBe(0);
    await runner.release();
    await Promise.all(late);
    expect(await countJobs(database)).toBe(5);
  });

  test('and for no longer than two of them, however many calls wait', async () => {
    const { river, dataSource } = await start({ dataSource: LIMIT });
    const runner = dataSource.createQueryRunner();
    await runner.connect();
    const { master } = dataSource.driver as unknown as { master: { connect(): unknown } };
    const attempts = jest.spyOn(master, 'connect');
    const calls = many(200, (n) => river.insert(jobArgs('early', { n })));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    // Two at once, and two for those that came after the first two had begun.
    expect(attempts.mock.calls.length).toBeLessThanOrEqual(4);
    await runner.release();
    expect(await countJobs(database)).toBe(0);
  });
});
