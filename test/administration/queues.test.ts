import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { JOB_STATES, type RiverClient } from 'nestjs-river';
import { startSpiedClient, type SpiedClient } from '../client/started-client.js';
import { connect, queryAll, type StatementSpy } from '../support/index.js';
import { plantJobs } from './planted-jobs.js';
import { untilSomebodyWaits } from './waiting.js';

let spy: StatementSpy;
let client: SpiedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startSpiedClient();
  ({ river, spy } = client);
});
afterAll(() => client.stop());
beforeEach(() =>
  queryAll(
    client.database,
    `delete from river_job; delete from river_queue;
     insert into river_queue (name, metadata) values ('b', '{"big": 9007199254740993}'), ('a', '{}')`,
  ),
);

describe('a queue', () => {
  test('is read with its metadata, exactly', async () => {
    const queue = await river.queueGet('b');
    expect(queue).toMatchObject({
      name: 'b',
      metadata: { big: '9007199254740993' },
      pausedAt: null,
    });
    expect(Date.now() - queue.createdAt.getTime()).toBeLessThan(60_000);
    expect(queue.updatedAt).toEqual(queue.createdAt);
  });

  test('is listed by its name, as many as asked for', async () => {
    const names = async (first?: number): Promise<string[]> =>
      (await river.queueList({ first })).queues.map(({ name }) => name);
    expect(await names()).toEqual(['a', 'b']);
    expect(await names(1)).toEqual(['a']);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['queueGet', () => river.queueGet('nobody')],
    ["queuePause('No worker')", () => river.queuePause('No worker')],
    ['queueResume', () => river.queueResume('nobody')],
    ['queueUpdate', () => river.queueUpdate('nobody', { metadata: {} })],
    ["queueGet('*')", () => river.queueGet('*')],
    ["queueUpdate('*')", () => river.queueUpdate('*', {})],
  ])('that nobody has announced is not found by %s', async (_name, call) => {
    await expect(call()).rejects.toMatchObject({
      name: 'QueueNotFoundError',
      code: 'RIVER_QUEUE_NOT_FOUND',
      field: 'name',
    });
  });

  test('is paused and resumed in one round trip each, the notification included', async () => {
    await river.queuePause('a');
    await river.queueResume('a');
    const { statements, roundTrips } = await spy.during(async () => {
      await river.queuePause('a');
      await river.queueResume('a');
    });
    expect(statements).toHaveLength(2);
    expect(roundTrips).toBe(2);
  });

  test('that no worker has announced yet is paused, and stays paused when one announces it', async () => {
    await river.queuePause('new');
    const { pausedAt, ...paused } = await river.queueGet('new');
    expect(paused).toMatchObject({ name: 'new', metadata: {}, createdAt: pausedAt });
    expect(pausedAt).not.toBeNull();
    await river.queuePause('new');
    // What River's Go client sends at the start of a worker.
    await queryAll(
      client.database,
      `insert into river_queue (name, created_at, metadata, updated_at) values ('new', now(), '{}', now())
       on conflict (name) do update set updated_at = excluded.updated_at`,
    );
    expect(await river.queueGet('new')).toMatchObject({ pausedAt });
    await river.queueResume('new');
    expect(await river.queueGet('new')).toMatchObject({ pausedAt: null });
  });

  test('that no worker has announced yet is paused from the COMMIT on', async () => {
    await client.dataSource.transaction(async (manager) => {
      await river.queuePauseTx(manager, 'new');
      expect(await queryAll(client.database, `select from river_queue where name = 'new'`)).toEqual(
        [],
      );
    });
    expect((await river.queueGet('new')).pausedAt).not.toBeNull();
  });

  test('that a worker announces just before its pause is paused, and the worker is notified', async () => {
    const [worker, listener] = [await connect(client.database), await connect(client.database)];
    const told: (string | undefined)[] = [];
    listener.on('notification', ({ payload }) => told.push(payload));
    await listener.query(`listen "public.river_control"`);
    await worker.query('begin');
    await worker.query(`insert into river_queue (name, updated_at) values ('new', now())`);
    const pause = river.queuePause('new');
    await untilSomebodyWaits(client.database);
    await worker.query('commit');
    await pause;
    expect((await river.queueGet('new')).pausedAt).not.toBeNull();
    await listener.query('select 1');
    expect(told).toEqual(['{"action":"pause","queue":"new"}']);
    await Promise.all([worker.end(), listener.end()]);
  });

  test("'*' pauses no queue that is not announced", async () => {
    await river.queuePause('*');
    expect((await river.queueList()).queues.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test("'*' is never missing, also where there is no queue", async () => {
    await queryAll(client.database, 'delete from river_queue');
    await river.queuePause('*');
    await river.queueResume('*');
    expect(await river.queueList()).toEqual({ queues: [] });
  });

  test('is changed in the transaction that the running code is in', async () => {
    const undone = client.transaction.run(async () => {
      await river.queuePause('*');
      await river.queueUpdate('a', { metadata: { x: 1 } });
      expect((await river.queueGet('a')).pausedAt).not.toBeNull();
      await expect(river.queueResume('nobody')).rejects.toThrow(`no queue 'nobody'`);
      expect((await river.queueStats()).map(({ pausedAt }) => pausedAt)).not.toContain(null);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await river.queueGet('a')).toMatchObject({ pausedAt: null, metadata: {} });
  });

  test('whose metadata are no object can be read and paused', async () => {
    await queryAll(
      client.database,
      `update river_queue set metadata = '[1]', created_at = 'infinity'`,
    );
    await river.queuePause('a');
    expect((await river.queueGet('a')).metadata).toEqual([1]);
    expect((await river.queueStats()).length).toBe(2);
  });
});

describe('queueStats', () => {
  const NONE = { available: 0, pending: 0, retryable: 0, running: 0, scheduled: 0 };

  test('counts the jobs of each queue by state: announced ones, and those with jobs to do', async () => {
    await plantJobs(client.database, [
      ...JOB_STATES.map((state) => ({ state, queue: 'a' })),
      ...JOB_STATES.map((state) => ({ state, queue: 'a' })),
      { queue: 'c', state: 'retryable' },
      { queue: 'done', state: 'completed' },
    ]);
    await river.queuePause('b');
    const stats = await river.queueStats();
    expect(stats.map(({ name, counts }) => [name, counts])).toEqual([
      ['a', { available: 2, pending: 2, retryable: 2, running: 2, scheduled: 2 }],
      ['b', NONE],
      ['c', { ...NONE, retryable: 1 }],
    ]);
    const paused = stats.map(({ pausedAt }) => pausedAt !== null);
    expect(paused).toEqual([false, true, false]);
  });

  test('counts jobs that are done when asked to', async () => {
    await plantJobs(client.database, [
      { queue: 'done', state: 'completed' },
      { queue: 'done', state: 'cancelled' },
      { queue: 'done', state: 'cancelled' },
    ]);
    const [a, b, done] = await river.queueStats({ finalized: true });
    expect(done).toEqual({
      name: 'done',
      counts: { ...NONE, cancelled: 2, completed: 1, discarded: 0 },
      oldestAvailableAgeMs: null,
      pausedAt: null,
    });
    expect(a?.counts).toEqual({ ...NONE, cancelled: 0, completed: 0, discarded: 0 });
    expect(b?.name).toBe('b');
    expect(await river.queueStats({ finalized: false })).toHaveLength(2);
  });

  test('tells how long the oldest available job waits, in milliseconds', async () => {
    const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
    await plantJobs(client.database, [
      { queue: 'a', scheduled_at: ago(5_000), priority: 4 },
      { queue: 'a', scheduled_at: ago(1_000), priority: 1 },
      { queue: 'a', scheduled_at: ago(90_000), state: 'running' },
      { queue: 'b', scheduled_at: ago(90_000), state: 'retryable' },
      { queue: 'c', scheduled_at: ago(-90_000) },
    ]);
    const ages = (await river.queueStats()).map(({ oldestAvailableAgeMs }) => oldestAvailableAgeMs);
    expect(ages).toEqual([expect.any(Number), null, 0]);
    expect(ages[0]).toBeGreaterThanOrEqual(5_000);
    expect(ages[0]).toBeLessThan(60_000);
  });

  test('is one statement', async () => {
    const { statements } = await spy.during(() => river.queueStats());
    expect(statements).toHaveLength(1);
  });
});
