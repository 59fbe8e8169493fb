import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError, jobArgs, ShuttingDownError, WaitTimeoutError } from 'nestjs-river';
import {
  connect,
  createTestDatabase,
  queryAll,
  spyStatements,
  type Sent,
  type StatementSpy,
  type TestDatabase,
} from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';
import { endJobs } from './waiting-jobs.js';

const SORT = jobArgs('sort', {});
const WAITS = 10_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function insertMany({ river }: StartedClient, count: number): Promise<string[]> {
  const results = await river.insertMany(Array.from({ length: count }, () => SORT));
  return results.map(({ job }) => job.id);
}

/** How many looks there can be in so many milliseconds on a server that answers at once. */
function looksWithin(milliseconds: number): number {
  let count = 0;
  for (let pause = 10, at = 10; at <= milliseconds; at += pause) {
    count++;
    pause = Math.min(pause * 1.25, 250);
  }
  return count;
}

function looks({ statements }: Sent): number {
  return statements.filter(({ sql }) => sql.includes('in_any_state')).length;
}

/** Nobody can look for jobs until it is rolled back or ended. */
async function lockTable(): ReturnType<typeof connect> {
  const holder = await connect(database);
  await holder.query('begin; lock table river_job in access exclusive mode');
  return holder;
}

describe('ten thousand waits', () => {
  let spy: StatementSpy;
  let client: StartedClient;
  beforeAll(async () => {
    spy = await spyStatements(database);
    client = await startClient({ database: spy.database });
  });
  afterAll(async () => {
    await client.stop();
    await spy.close();
  });

  test('are asked for by one query at a time, on one connection', async () => {
    const ids = await insertMany(client, WAITS);
    let settled = 0;
    let waits: Promise<unknown>[] = [];
    const began = performance.now();
    const sent = await spy.during(async () => {
      waits = ids.map(async (id) => {
        await client.river.waitFor(id);
        settled++;
      });
      await untilTrue(() => spy.sentSoFar() >= 5);
    });
    expect(settled).toBe(0);
    expect(sent.statements).toHaveLength(looks(sent));
    // After 10 ms, then after pauses that grow by a quarter, however long an answer takes.
    expect(looks(sent)).toBeLessThanOrEqual(looksWithin(performance.now() - began));
    expect(new Set(sent.statements.map(({ connection }) => connection)).size).toBe(1);

    const half = ids.slice(0, WAITS / 2);
    await endJobs(database, half, { state: 'completed' });
    await untilTrue(() => settled === half.length);
    const rest = await spy.during(async () => {
      await endJobs(database, ids.slice(WAITS / 2), { state: 'completed' });
      await Promise.all(waits);
    });
    expect(looks(rest)).toBeLessThanOrEqual(30);
    const silence = await spy.during(() => sleep(400));
    expect(silence.statements).toEqual([]);
  });

  test('with one signal add one listener to it, and all end when it is aborted', async () => {
    const ids = await insertMany(client, 1_000);
    const abort = new AbortController();
    const waits = ids.map((id) => client.river.waitFor(id, { signal: abort.signal }));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    abort.abort();
    for (const end of await Promise.allSettled(waits)) {
      expect(end).toMatchObject({ reason: { code: 'RIVER_WAIT_ABORTED' } });
    }
  });

  test('that time out together receive the states of their jobs from few queries', async () => {
    const ids = await insertMany(client, 2_000);
    const sent = await spy.during(async () => {
      const waits = ids.map((id) => client.river.waitFor(id, { timeoutMs: 300 }));
      const ends = await Promise.allSettled(waits);
      for (const end of ends) {
        expect(end).toMatchObject({ reason: { job: { state: 'available' } } });
      }
    });
    // On a busy machine their timers take turns with the queries; without sharing there were 2,000.
    expect(looks(sent)).toBeLessThanOrEqual(50);
  });
});

describe('a database in trouble', () => {
  let client: StartedClient;
  beforeAll(async () => {
    client = await startClient({
      database,
      dataSource: { extra: { options: '-c lock_timeout=50 -c application_name=waiting' } },
    });
  });
  afterAll(() => client.stop());

  test('a wait goes on when connections are lost', async () => {
    const [id = ''] = await insertMany(client, 1);
    const waiting = client.river.waitFor(id);
    for (let round = 0; round < 5; round++) {
      await sleep(60);
      await queryAll(
        database,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'waiting'`,
      );
    }
    await endJobs(database, [id], { state: 'completed', output: 'survived' });
    await expect(waiting).resolves.toMatchObject({ output: 'survived' });
  });

  test('a wait goes on when a query exceeds query_timeout', async () => {
    const hasty = await startClient({ database, dataSource: { extra: { query_timeout: 400 } } });
    const [id = ''] = await insertMany(hasty, 1);
    const holder = await lockTable();
    try {
      const waiting = hasty.river.waitFor(id);
      const [{ output }] = await Promise.all([
        waiting,
        sleep(600)
          .then(() => holder.query('rollback'))
          .then(() => endJobs(database, [id], { state: 'completed', output: 'survived' })),
      ]);
      expect(output).toBe('survived');
    } finally {
      await holder.end();
      await hasty.stop();
    }
  });

  test.each([
    ['in the rest after a slow look', 700],
    ['during a slow look', 300],
  ] as const)('a time-out %s rejects at once', async (_when, timeoutMs) => {
    const patient = await startClient({ database });
    const [id = ''] = await insertMany(patient, 1);
    const holder = await lockTable();
    try {
      const end = patient.river.waitFor(id, { timeoutMs }).catch((reason: unknown) => reason);
      // The look takes as long, and by itself would be followed by half a second of rest.
      await sleep(600);
      await holder.query('rollback');
      expect(await end).toMatchObject({
        code: 'RIVER_WAIT_TIMEOUT',
        job: { state: 'available' },
      });
    } finally {
      await holder.end();
      await patient.stop();
    }
  });

  test('a failure that lasts is the cause of the time-out', async () => {
    const [id = ''] = await insertMany(client, 1);
    const holder = await lockTable();
    const error = await client.river
      .waitFor(id, { timeoutMs: 200 })
      .catch((reason: unknown) => reason);
    await holder.end();
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({
      id,
      job: undefined,
      message: `Job ${id} did not end within 200 ms. The database did not tell its state (see cause).`,
      cause: { code: 'RIVER_DATABASE', sqlState: '55P03' },
    });
  });

  test('a time-out holds although the database does not answer', async () => {
    const patient = await startClient({ database });
    const [id = ''] = await insertMany(patient, 1);
    const holder = await lockTable();
    try {
      await expect(patient.river.waitFor(id, { timeoutMs: 200 })).rejects.toMatchObject({
        code: 'RIVER_WAIT_TIMEOUT',
        cause: { message: 'the database did not answer within 1000 ms' },
      });
    } finally {
      await holder.end();
      await patient.stop();
    }
  });

  test('an error that will not pass rejects all waits at once', async () => {
    const ids = await insertMany(client, 3);
    await queryAll(database, 'alter table river_job rename to elsewhere');
    try {
      const ends = await Promise.allSettled(ids.map((id) => client.river.waitFor(id)));
      for (const end of ends) {
        expect(end).toMatchObject({ reason: expect.any(DatabaseError) });
        expect(end).toMatchObject({ reason: { sqlState: '42P01' } });
      }
    } finally {
      await queryAll(database, 'alter table elsewhere rename to river_job');
    }
    await endJobs(database, ids, { state: 'completed' });
    await expect(client.river.waitFor(ids[0] ?? '')).resolves.toMatchObject({ output: undefined });
  });
});

describe('the end', () => {
  let client: StartedClient;
  afterEach(() => client.stop());

  test('of the application gives up all waits, and refuses new ones', async () => {
    client = await startClient({ database });
    const [id = ''] = await insertMany(client, 1);
    const waits = [client.river.waitFor(id), client.river.insertAndWait(SORT)];
    await sleep(50);
    const ends = Promise.allSettled(waits);
    await client.app.close();
    for (const end of await ends) {
      expect(end).toMatchObject({ reason: expect.any(ShuttingDownError) });
    }
    await expect(client.river.waitFor(id)).rejects.toBeInstanceOf(ShuttingDownError);
    const kind = jobArgs('too_late', {});
    await expect(client.river.insertAndWait(kind)).rejects.toBeInstanceOf(ShuttingDownError);
    expect(await queryAll(database, `select from river_job where kind = 'too_late'`)).toEqual([]);
  });

  test('of the data source does, too', async () => {
    client = await startClient({ database });
    const [id = ''] = await insertMany(client, 1);
    const end = client.river.waitFor(id).catch((reason: unknown) => reason);
    await sleep(50);
    await client.dataSource.destroy();
    expect(await end).toBeInstanceOf(ShuttingDownError);
    await client.dataSource.initialize();
  });
});

describe('the option waitFor', () => {
  test.each([
    [{ maxPollMs: 9 }, 'waitFor.maxPollMs'],
    [{ maxPollMs: 60_001 }, 'waitFor.maxPollMs'],
    [{ listen: () => undefined }, 'waitFor.listen'],
    [{ pollMs: 5 }, 'waitFor.pollMs'],
    [null, 'waitFor'],
  ])('refuses %j', async (waitFor, field) => {
    const started = startClient({ database, river: { waitFor: waitFor as never } });
    await expect(started).rejects.toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS', field });
  });
});

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}
