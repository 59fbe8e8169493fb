import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs, type InsertOptions, type JobRow } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

/** How far the application's clock is ahead of the database's, in milliseconds. */
const SHIFTS = [200, 120_000, -200, -120_000];
const DELAY_MS = 3_600_000;
const LOCKED = { byArgs: true, byState: ['available'] } as const;

const RealDate = Date;
let coalescing: StartedClient;
let single: StartedClient;

beforeAll(async () => {
  coalescing = await startClient();
  single = await startClient({ database: coalescing.database, river: { coalesce: false } });
});
afterEach(() => setClock(0));
afterAll(async () => {
  await single.stop();
  await coalescing.stop();
});

/** Puts the clock of this process ahead. */
function setClock(shift: number): void {
  if (shift === 0) {
    globalThis.Date = RealDate;
    return;
  }
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) =>
      args.length === 0
        ? new target(target.now() + shift)
        : (Reflect.construct(target, args) as object),
    get: (target, key) =>
      key === 'now' ? () => target.now() + shift : (Reflect.get(target, key) as unknown),
  });
}

type Insert = (kind: string, opts: InsertOptions) => Promise<readonly JobRow[] | undefined>;
const job = (kind: string, number = 1): object => jobArgs(kind, { number });
const rows = (results: readonly { job: JobRow }[]): readonly JobRow[] =>
  results.map(({ job }) => job);
const two = (kind: string, opts: InsertOptions): InsertManyParams[] => [
  InsertManyParams.of(job(kind), opts),
  InsertManyParams.of(job(kind, 2), opts),
];

/** Every way of inserting. What returns no rows has none to return. */
const FORMS: Record<string, Insert> = {
  insert: async (kind, opts) => rows([await single.river.insert(job(kind), opts)]),
  'insert, coalesced': async (kind, opts) =>
    rows(await Promise.all([1, 2, 3].map((n) => coalescing.river.insert(job(kind, n), opts)))),
  insertMany: async (kind, opts) => rows(await single.river.insertMany(two(kind, opts))),
  'insert in a transaction': (kind, opts) =>
    single.transaction.run(async () => rows([await single.river.insert(job(kind), opts)])),
  insertTx: (kind, opts) =>
    single.dataSource.transaction(async (tx) =>
      rows([await single.river.insertTx(tx, job(kind), opts)]),
    ),
  insertManyTx: (kind, opts) =>
    single.dataSource.transaction(async (tx) =>
      rows(await single.river.insertManyTx(tx, two(kind, opts))),
    ),
  'insert of a unique job': async (kind, opts) =>
    rows([await single.river.insert(job(kind), { ...opts, uniqueOpts: { byArgs: true } })]),
  'insertMany of unique jobs': async (kind, opts) =>
    rows(await single.river.insertMany(two(kind, { ...opts, uniqueOpts: { byArgs: true } }))),
  'insertManyTx of unique jobs': (kind, opts) =>
    single.dataSource.transaction(async (tx) =>
      rows(
        await single.river.insertManyTx(tx, two(kind, { ...opts, uniqueOpts: { byArgs: true } })),
      ),
    ),
  'insert of a unique job with a lock': async (kind, opts) =>
    rows([await single.river.insert(job(kind), { ...opts, uniqueOpts: LOCKED })]),
  'insertMany of unique jobs with locks': async (kind, opts) =>
    rows(await single.river.insertMany(two(kind, { ...opts, uniqueOpts: LOCKED }))),
  insertManyFast: async (kind, opts) => {
    await single.river.insertManyFast(two(kind, opts));
    return undefined;
  },
  'insertManyFast that skips': async (kind, opts) => {
    await single.river.insertManyFast(two(kind, opts), { onConflict: 'skip' });
    return undefined;
  },
  insertManyFastTx: async (kind, opts) => {
    await single.dataSource.transaction((tx) => single.river.insertManyFastTx(tx, two(kind, opts)));
    return undefined;
  },
};

interface Times {
  readonly id: string;
  readonly state: string;
  readonly created: number;
  readonly scheduled: number;
  /** The sixth digit behind the second is stored as well. */
  readonly isEqual: boolean;
}

let kinds = 0;
/** Inserts by one form and reads what is stored, between two readings of the database's clock. */
async function insertBetween(
  insert: Insert,
  { shift, opts = {} }: { shift: number; opts?: InsertOptions },
) {
  const kind = `clock-${++kinds}`;
  const before = await databaseNow();
  setClock(shift);
  const returned = await insert(kind, opts);
  setClock(0);
  const after = await databaseNow();
  const stored = await single.dataSource.query<Times[]>(
    `select id, state, created_at = scheduled_at as "isEqual",
       floor(extract(epoch from created_at) * 1000)::float8 as created,
       floor(extract(epoch from scheduled_at) * 1000)::float8 as scheduled
     from river_job where kind = $1 order by id`,
    [kind],
  );
  return { before, after, returned, stored };
}

async function databaseNow(): Promise<number> {
  const [row] = await single.dataSource.query<{ now: number }[]>(
    'select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now',
  );
  return row?.now ?? Number.NaN;
}

/** The rows returned must hold what is stored. */
function expectSame(returned: readonly JobRow[] | undefined, stored: readonly Times[]): void {
  expect(stored.length).toBeGreaterThan(0);
  if (returned === undefined) return;
  const told = returned.map(({ id, createdAt, scheduledAt }) => [
    String(id),
    createdAt.getTime(),
    scheduledAt.getTime(),
  ]);
  expect(told.sort()).toEqual(
    stored.map(({ id, created, scheduled }) => [id, created, scheduled]).sort(),
  );
}

describe.each(SHIFTS)('with the clock of the application %i ms ahead', (shift) => {
  describe.each(Object.entries(FORMS))('%s', (_name, insert) => {
    test("stores and returns the database's time", async () => {
      const { before, after, returned, stored } = await insertBetween(insert, { shift });
      expectSame(returned, stored);
      for (const { created, isEqual, state } of stored) {
        expect(state).toBe('available');
        expect(isEqual).toBe(true);
        expect(created).toBeGreaterThanOrEqual(before);
        expect(created).toBeLessThanOrEqual(after);
      }
    });

    test("counts a delay from the database's time", async () => {
      const opts = { delay: DELAY_MS };
      const { before, after, returned, stored } = await insertBetween(insert, { shift, opts });
      expectSame(returned, stored);
      for (const { created, scheduled, state } of stored) {
        expect(state).toBe('scheduled');
        expect(created).toBeGreaterThanOrEqual(before);
        expect(scheduled - DELAY_MS).toBeGreaterThanOrEqual(created);
        expect(scheduled - DELAY_MS).toBeLessThanOrEqual(after);
      }
    });

    test('stores the scheduledAt given', async () => {
      const scheduledAt = new Date('2031-02-03T04:05:06.789Z');
      const opts = { scheduledAt };
      const { before, after, returned, stored } = await insertBetween(insert, { shift, opts });
      expectSame(returned, stored);
      for (const { created, scheduled, state } of stored) {
        expect(state).toBe('scheduled');
        expect(scheduled).toBe(scheduledAt.getTime());
        expect(created).toBeGreaterThanOrEqual(before);
        expect(created).toBeLessThanOrEqual(after);
      }
    });
  });
});

test('jobs of one batch may be due at once, after a delay and at a time given', async () => {
  const at = new Date('2031-02-03T04:05:06.789Z');
  const items = (kind: string): InsertManyParams[] => [
    InsertManyParams.of(job(kind, 1)),
    InsertManyParams.of(job(kind, 2), { delay: 0.5 }),
    InsertManyParams.of(job(kind, 3), { scheduledAt: at }),
    InsertManyParams.of(job(kind, 4), { delay: 2_592_000_000 }),
    InsertManyParams.of(job(kind, 5), { pending: true }),
  ];
  await single.river.insertMany(items('mixed'));
  await single.river.insertManyFast(items('mixed-fast'));
  const offsets = await queryAll(
    single.database,
    `select kind, array_agg(state::text order by id) as states, array_agg(
       case when args ->> 'number' = '3' then extract(epoch from scheduled_at)
       else extract(epoch from scheduled_at - created_at) end::text order by id) as offsets
     from river_job where kind in ('mixed', 'mixed-fast') group by kind`,
  );
  for (const { states, offsets: seconds } of offsets) {
    expect(states).toEqual(['available', 'scheduled', 'scheduled', 'scheduled', 'pending']);
    const [none, short, given, long, pending] = (seconds as string[]).map(Number);
    expect([none, given, pending]).toEqual([0, at.getTime() / 1000, 0]);
    // A statement arrives a little later than its transaction begins.
    expect(short).toBeGreaterThanOrEqual(0.0005);
    expect(short).toBeLessThan(60);
    expect(long).toBeGreaterThanOrEqual(2_592_000);
    expect(long).toBeLessThan(2_592_060);
  }
  expect(offsets).toHaveLength(2);
});

test('jobs of a transaction get its time, and delays count from their own statements', async () => {
  const rowsOf = await single.dataSource.transaction(async (tx) => {
    const [{ now }] = await tx.query<[{ now: number }]>(
      'select (extract(epoch from now()) * 1000)::float8 as now',
    );
    const [{ later }] = await tx.query<[{ later: number }]>(
      `select (extract(epoch from clock_timestamp()) * 1000)::float8 as later from pg_sleep(0.02)`,
    );
    const { job: first } = await single.river.insertTx(tx, job('late'));
    const { job: delayed } = await single.river.insertTx(tx, job('late'), { delay: DELAY_MS });
    return { now, later, first, delayed };
  });
  const { now, later, first, delayed } = rowsOf;
  expect(first.createdAt.getTime()).toBe(Math.floor(now));
  expect(first.scheduledAt).toEqual(first.createdAt);
  expect(delayed.createdAt).toEqual(first.createdAt);
  expect(delayed.scheduledAt.getTime() - DELAY_MS).toBeGreaterThanOrEqual(Math.floor(later));
});

describe("a clock of the application's own", () => {
  const now = new Date('2031-05-05T05:05:05.005Z');

  test('decides the times of every form', async () => {
    const own = await startClient({ database: single.database, river: { clock: () => now } });
    try {
      await own.river.insert(job('own'));
      await own.river.insertMany([job('own', 2), job('own', 3)]);
      await own.river.insert(job('own', 4), { uniqueOpts: { byArgs: true } });
      await own.river.insert(job('own', 5), { uniqueOpts: LOCKED });
      await own.river.insertManyFast([job('own', 6)]);
      const stored = await queryAll(
        single.database,
        "select created_at, scheduled_at, state from river_job where kind = 'own'",
      );
      expect(stored).toHaveLength(6);
      for (const row of stored) {
        expect(row).toEqual({ created_at: now, scheduled_at: now, state: 'available' });
      }
    } finally {
      await own.stop();
    }
  });
});

describe('the period of a unique job', () => {
  const DAY = 86_400;

  test('is that of created_at where a lock and a look-up keep it unique', async () => {
    // Another period by the clock of the application than by that of the database.
    const shift = 40 * DAY * 1000;
    const uniqueOpts = { ...LOCKED, byPeriod: 30 * DAY };
    setClock(shift);
    // One transaction, so that both have one time.
    const [first, second] = await single.dataSource.transaction(async (tx) => [
      await single.river.insertTx(tx, job('locked-period'), { uniqueOpts }),
      await single.river.insertTx(tx, job('locked-period'), { uniqueOpts }),
    ]);
    expect(first?.uniqueSkippedAsDuplicated).toBe(false);
    expect(second?.uniqueSkippedAsDuplicated).toBe(true);
    expect(second?.job.id).toBe(first?.job.id);
    const { blockedBy } = await single.river.explainUnique(job('locked-period'), { uniqueOpts });
    expect(blockedBy?.id).toBe(first?.job.id);
  });

  test("is that of the application's clock in River's key, as in Go", async () => {
    const uniqueOpts = { byPeriod: 30 * DAY };
    await single.river.insert(job('key-period'), { uniqueOpts });
    setClock(40 * DAY * 1000);
    const { uniqueSkippedAsDuplicated } = await single.river.insert(job('key-period'), {
      uniqueOpts,
    });
    expect(uniqueSkippedAsDuplicated).toBe(false);
  });
});
