import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Logger } from 'typeorm';
import { DatabaseError, InsertAbortedError, InvalidJobError, jobArgs } from 'nestjs-river';
import {
  connect,
  createTestDatabase,
  queryAll,
  spyStatements,
  type Sent,
  type StatementSpy,
  type TestDatabase,
} from '../support/index.js';
import { refuseJobs } from './refuse-jobs.js';
import { countJobs, startClient, type StartedClient, type StartOptions } from './started-client.js';

let database: TestDatabase;
let spy: StatementSpy;
const started: StartedClient[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  await refuseJobs(database, "new.kind = 'refused'");
  await queryAll(
    database,
    `create function wait() returns trigger language plpgsql as $$ begin
       if new.kind = 'slow' then perform pg_sleep(60); end if;
       if new.kind = 'locked' then perform pg_advisory_xact_lock(7); end if;
       return new;
     end $$;
     create trigger wait after insert on river_job for each row execute function wait()`,
  );
  spy = await spyStatements(database);
});
beforeEach(() => queryAll(database, 'delete from river_job'));
afterEach(async () => {
  for (const client of started.splice(0)) await client.stop();
});
afterAll(() => spy.close());

async function start(options: StartOptions = {}): Promise<StartedClient> {
  const client = await startClient({ database: spy.database, ...options });
  started.push(client);
  return client;
}

/** Holds all inserts until it is told to let go. */
async function holdTable(): Promise<() => Promise<void>> {
  const holder = await connect(database);
  await holder.query('begin; lock table river_job in share mode');
  return async () => {
    await holder.query('rollback');
    await holder.end();
  };
}

/** Waits until so many inserts wait for a lock. */
async function waitingInserts(count: number): Promise<void> {
  for (;;) {
    const [row] = await queryAll<{ count: number }>(
      database,
      `select count(*)::int from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like 'INSERT%'`,
    );
    if (row?.count === count) return;
  }
}

/** Without the notification that follows in a statement of its own when the inserts take long. */
const inserts = (statements: Sent['statements']): Sent['statements'] =>
  statements.filter(({ sql }) => sql.startsWith('INSERT INTO'));

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

test('callers of one moment share few statements, and each gets its own job', async () => {
  const { river } = await start();
  const { statements } = await spy.during(async () => {
    const results = await Promise.all(
      many(64, (n) => river.insert(jobArgs(`kind_${n}`, { n }), { tags: [`tag${n}`] })),
    );
    results.forEach(({ job }, n) => {
      expect(job).toMatchObject({ kind: `kind_${n}`, args: { n }, tags: [`tag${n}`] });
    });
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(64);
  });
  // A call on each of two connections first, then the others; more where the machine is busy.
  expect(inserts(statements).length).toBeLessThan(32);
  const rows = await queryAll(
    database,
    `select 1 from river_job where args->>'n' = substr(kind, 6) and tags[1] = 'tag' || substr(kind, 6)`,
  );
  expect(rows).toHaveLength(64);
});

test('a shared statement keeps to the limit of rows, and a larger call has one of its own', async () => {
  const { river } = await start({ river: { coalesce: { maxStatements: 1, maxRows: 3 } } });
  await Promise.all([
    ...many(30, (n) => river.insert(jobArgs('one', { n }))),
    river.insertMany(many(4, (n) => jobArgs('four', { n }))),
  ]);
  const rows = await queryAll<{ kinds: string; most: number }>(
    database,
    `select kinds, max(jobs)::int as most from (
       select string_agg(distinct kind, ',') as kinds, count(*) as jobs from river_job group by xmin::text
     ) as statements group by kinds order by kinds`,
  );
  expect(rows).toEqual([
    { kinds: 'four', most: 4 },
    { kinds: 'one', most: 3 },
  ]);
});

test('with coalesce: false each insert is a statement of its own', async () => {
  const { river } = await start({ river: { coalesce: false } });
  const { statements } = await spy.during(() =>
    Promise.all(many(8, (n) => river.insert(jobArgs('one', { n })))),
  );
  expect(inserts(statements)).toHaveLength(8);
});

test('of 64 callers, seven bad ones in different ways fail alone', async () => {
  const { river } = await start();
  const gone = AbortSignal.abort(new Error('gone'));
  const later = new AbortController();
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const bad = new Map<number, () => Promise<unknown>>([
    [3, () => river.insert(jobArgs('bad', {}), { priority: 9 })],
    [11, () => river.insert(jobArgs('bad', circle))],
    [20, () => river.insertMany([jobArgs('good', { n: -1 }), jobArgs('refused', {})])],
    [21, () => river.insert(jobArgs('refused', {}))],
    [40, () => river.insert(jobArgs('bad', {}), { signal: gone })],
    [50, () => river.insert(jobArgs('bad', {}), { signal: later.signal })],
    [63, () => river.insert(jobArgs('refused', { last: true }))],
  ]);
  const letGo = await holdTable();
  // Two statements are under way, so that all others wait and then share.
  const first = many(2, (n) => river.insert(jobArgs('first', { n })));
  await waitingInserts(2);
  const calls = Promise.allSettled(
    many(64, (n) => bad.get(n)?.() ?? river.insert(jobArgs('good', { n }))),
  );
  later.abort(new Error('later'));
  await letGo();
  await Promise.all(first);
  const outcomes = await calls;
  const reasons = [...bad.keys()].map(
    (n) => (outcomes[n] as PromiseRejectedResult).reason as unknown,
  );
  expect(reasons).toEqual([
    expect.objectContaining({ field: 'priority', code: 'RIVER_INVALID_OPTION' }),
    expect.any(InvalidJobError),
    expect.objectContaining({ sqlState: 'P0001' }),
    expect.objectContaining({ sqlState: 'P0001' }),
    expect.any(InsertAbortedError),
    expect.any(InsertAbortedError),
    expect.objectContaining({ sqlState: 'P0001' }),
  ]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(57);
  expect(
    await queryAll(
      database,
      `select kind, count(*)::int from river_job group by kind order by kind`,
    ),
  ).toEqual([
    { kind: 'first', count: 2 },
    { kind: 'good', count: 57 },
  ]);
});

test('a lost connection rejects all callers of its statement, and nothing is stored', async () => {
  const { river } = await start();
  // Connections that have just answered get several calls in a statement.
  await Promise.all(many(2, (n) => river.insert(jobArgs('first', { n }))));
  const outcomes = Promise.allSettled(many(20, (n) => river.insert(jobArgs('slow', { n }))));
  let ended = false;
  void outcomes.then(() => (ended = true));
  while (!ended) {
    await queryAll(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event = 'PgSleep' and query like 'INSERT%'`,
    );
  }
  for (const outcome of await outcomes) {
    const reason: unknown = (outcome as PromiseRejectedResult).reason;
    expect(reason).toBeInstanceOf(DatabaseError);
    expect(reason).toMatchObject({ sqlState: '57P01', retryable: true });
  }
  expect(await countJobs(database)).toBe(2);
  await Promise.all(many(20, (n) => river.insert(jobArgs('after', { n }))));
  expect(await countJobs(database)).toBe(22);
});

test.each([
  ['statement_timeout', '57014', 'slow'],
  ['lock_timeout', '55P03', 'locked'],
])('the %s of one job is its own, not that of the others', async (setting, sqlState, kind) => {
  const { river } = await start({ dataSource: { extra: { options: `-c ${setting}=500` } } });
  const holder = await connect(database);
  await holder.query('select pg_advisory_lock(7)');
  const outcomes = await Promise.allSettled(
    many(20, (n) => river.insert(jobArgs(n === 9 ? kind : 'quick', { n }))),
  );
  await holder.end();
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  expect(failed).toEqual([outcomes[9]]);
  expect(failed[0]).toMatchObject({ reason: { sqlState } });
  expect(await countJobs(database)).toBe(19);
});

test('a key that an open transaction holds delays nobody else, its holder included', async () => {
  const { river, transaction } = await start();
  const unique = { uniqueOpts: { byArgs: true } };
  let waiter: Promise<unknown> = Promise.resolve();
  await transaction.run(async () => {
    await river.insert(jobArgs('held', {}), unique);
    await transaction.outside(async () => {
      waiter = river.insert(jobArgs('held', {}), unique);
      await Promise.all(many(100, (n) => river.insert(jobArgs('other', { n }))));
    });
    expect(await countJobs(database)).toBe(100);
  });
  await expect(waiter).resolves.toMatchObject({ uniqueSkippedAsDuplicated: true });
});

describe('the asynchronous context', () => {
  const request = new AsyncLocalStorage<string>();

  test('of no caller reaches the statement, and each keeps its own', async () => {
    const seen: (string | undefined)[] = [];
    const see = (): void => void seen.push(request.getStore());
    const logger: Logger = {
      logQuery: see,
      logQueryError: see,
      logQuerySlow: see,
      logSchemaBuild: see,
      logMigration: see,
      log: see,
    };
    const { river } = await start({ dataSource: { logger } });
    seen.length = 0;
    await Promise.all(
      many(10, (n) =>
        request.run(`request ${n}`, async () => {
          await river.insert(jobArgs('traced', { n }));
          expect(request.getStore()).toBe(`request ${n}`);
        }),
      ),
    );
    await request.run('alone', () => river.insert(jobArgs('traced', {})));
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});

test('every queue of a shared statement is notified', async () => {
  const { river } = await start();
  const listener = await connect(database);
  const queues = new Set<string>();
  listener.on('notification', ({ payload }) => {
    queues.add((JSON.parse(payload ?? '{}') as { queue: string }).queue);
  });
  await listener.query('listen "public.river_insert"');
  await Promise.all(many(10, (n) => river.insert(jobArgs('woken', {}), { queue: `queue_${n}` })));
  await listener.query('select 1');
  await listener.end();
  expect(queues.size).toBe(10);
});

test.each([
  [true, 'coalesce'],
  [{ maxRows: 0 }, 'coalesce.maxRows'],
  [{ maxRows: 5_001 }, 'coalesce.maxRows'],
  [{ maxStatements: 101 }, 'coalesce.maxStatements'],
  [{ maxStatements: 1.5 }, 'coalesce.maxStatements'],
  [{ rows: 5 }, 'coalesce.rows'],
])('the option %j is refused', async (coalesce, field) => {
  await expect(start({ river: { coalesce: coalesce as object } })).rejects.toMatchObject({
    code: 'RIVER_INVALID_MODULE_OPTIONS',
    field,
  });
});

test('a server that has no connection left is reported to all callers at once', async () => {
  const role = `${database.name}_limited`;
  await queryAll(
    database,
    `create role "${role}" login password 'secret' connection limit 1;
     grant insert, select on all tables in schema public to "${role}";
     grant usage on all sequences in schema public to "${role}"`,
  );
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  const client = await startClient({ database: { ...database, url: url.href } });
  const { river, dataSource } = client;
  const holder = dataSource.createQueryRunner();
  await holder.connect();
  try {
    const inserts = many(64, (n) => river.insert(jobArgs('refused_connection', { n })));
    for (const insert of await Promise.allSettled(inserts)) {
      expect(insert).toMatchObject({
        status: 'rejected',
        reason: { sqlState: '53300', outcome: 'not-stored', retryable: true },
      });
    }
  } finally {
    await holder.release();
    await client.stop();
    await queryAll(database, `drop owned by "${role}"; drop role "${role}"`);
  }
});
