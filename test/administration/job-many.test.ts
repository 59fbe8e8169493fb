import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { DatabaseError, JOB_STATES, type JobRow, type RiverClient } from 'nestjs-river';
import {
  asStored,
  storedJobs,
  startSpiedClient,
  type SpiedClient,
} from '../client/started-client.js';
import { connect, queryAll, type StatementSpy } from '../support/index.js';
import { plantJob, plantJobs, type PlantedJob } from './planted-jobs.js';
import { untilSomebodyWaits } from './waiting.js';

const UNIQUE = { unique_key: '\\x0102', unique_states: '11110101' };

let spy: StatementSpy;
let client: SpiedClient;
let river: RiverClient;
let other: pg.Client;
beforeAll(async () => {
  client = await startSpiedClient();
  ({ river, spy } = client);
  other = await connect(client.database);
});
afterAll(async () => {
  await other.end();
  await client.stop();
});
beforeEach(() => queryAll(client.database, 'delete from river_job'));

const kindsOf = ({ jobs }: { readonly jobs: readonly JobRow[] }): string[] =>
  jobs.map(({ kind }) => kind);

/** Plants a job of each state, of a kind that is named as it. */
const plantStates = (): Promise<string[]> =>
  plantJobs(
    client.database,
    JOB_STATES.map((state) => ({ state, kind: state, attempt: 1, tags: ['planted'] })),
  );

const MANY = ['jobCancelMany', 'jobRetryMany'] as const;

/** What is told on the channel that workers listen to, while a call runs. */
async function told(call: () => Promise<unknown>): Promise<string[]> {
  const payloads: string[] = [];
  const hear = ({ payload = '' }: pg.Notification): unknown => payloads.push(payload);
  other.on('notification', hear);
  await other.query('listen "public.river_control"');
  await call();
  await other.query('select 1');
  await other.query('unlisten *');
  other.off('notification', hear);
  return payloads;
}

describe.each(MANY)('%s', (name) => {
  test('is one statement in one round trip, and returns the rows as they are stored', async () => {
    await plantJobs(client.database, [
      { state: 'retryable', attempt: 1 },
      { state: 'scheduled', scheduled_at: '2090-01-01T00:00:00Z' },
    ]);
    let changed: readonly JobRow[] = [];
    const { statements, roundTrips } = await spy.during(async () => {
      changed = (await river[name]({ unsafeAll: true })).jobs;
    });
    expect(statements).toHaveLength(1);
    expect(roundTrips).toBe(1);
    expect(changed.map(asStored)).toEqual(await storedJobs(client.database));
  });

  test('takes the oldest ids first, as many as asked for', async () => {
    const ids = await plantJobs(client.database, Array(120).fill({ state: 'scheduled' }) as []);
    const idsOf = async (first?: number): Promise<string[]> =>
      (await river[name]({ kinds: ['planted'], first })).jobs.map(({ id }) => id);
    expect(await idsOf()).toEqual(ids.slice(0, 100));
    expect(await idsOf(5)).toEqual(ids.slice(100, 105));
    expect(await idsOf(1_000)).toEqual(ids.slice(105));
    expect(await idsOf()).toEqual([]);
  });

  test('passes over jobs that another transaction holds locked', async () => {
    const ids = await plantJobs(client.database, Array(3).fill({ state: 'scheduled' }) as []);
    await other.query('begin');
    await other.query('select from river_job where id = $1 for update', [ids[1]]);
    const { jobs } = await river[name]({ unsafeAll: true });
    await other.query('rollback');
    expect(jobs.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });

  test('counts from the COMMIT of its transaction on', async () => {
    await plantStates();
    const before = await storedJobs(client.database);
    const undone = client.transaction.run(async (manager) => {
      expect((await river[name]({ states: ['scheduled'] })).jobs).toHaveLength(1);
      const inTx = { tagsAll: ['planted'], states: ['retryable'] as const };
      expect((await river[`${name}Tx`](manager, inTx)).jobs).toHaveLength(1);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await storedJobs(client.database)).toEqual(before);
  });
});

/** Metadata that Go stores, and in which no key can be set. */
const NO_OBJECTS = [[1], 'text', 7, true];

test.each(['jobCancelMany', 'jobRetryMany', 'jobDeleteMany'] as const)(
  '%s, repeated until it returns no jobs, ends whatever the metadata are, in one transaction too',
  async (name) => {
    await plantJobs(
      client.database,
      [{}, ...NO_OBJECTS].flatMap((metadata): PlantedJob[] => [
        { state: 'running', attempt: 1, metadata },
        { state: 'discarded', attempt: 1, metadata },
        { state: 'scheduled', scheduled_at: '2090-01-01T00:00:00Z', metadata },
        { state: 'pending', metadata },
      ]),
    );
    const visits = new Map<string, number>();
    await client.transaction.run(async () => {
      for (;;) {
        const { jobs } = await river[name]({ kinds: ['planted'], first: 3 });
        if (jobs.length === 0) break;
        for (const { id } of jobs) visits.set(id, (visits.get(id) ?? 0) + 1);
        expect(visits.get(jobs[0]?.id ?? '')).toBe(1);
      }
    });
    expect([...visits.values()]).toEqual(Array(visits.size).fill(1));
    expect(visits.size).toBe(name === 'jobCancelMany' ? 11 : 15);
  },
);

describe('jobCancelMany', () => {
  test('passes over running jobs that cannot be marked, which jobCancel notifies', async () => {
    const [id = ''] = await plantJobs(
      client.database,
      NO_OBJECTS.map((metadata): PlantedJob => ({ state: 'running', metadata })),
    );
    expect(await told(() => river.jobCancelMany({ unsafeAll: true }))).toEqual([]);
    const [payload] = await told(() => river.jobCancel(id));
    expect(payload).toContain(`"job_id" : ${id}`);
    expect(await river.jobGet(id)).toMatchObject({ state: 'running', metadata: [1] });
  });

  test('asks for the end of a running job whose mark is null', async () => {
    await plantJob(client.database, { state: 'running', metadata: { cancel_attempted_at: null } });
    const { jobs } = await river.jobCancelMany({ unsafeAll: true });
    expect(jobs).toMatchObject([{ metadata: { cancel_attempted_at: expect.any(String) } }]);
  });

  test('does to each job what jobCancel does, and leaves those that have ended', async () => {
    const ids = await plantStates();
    const alike = await plantStates();
    const { jobs } = await river.jobCancelMany({ ids });
    const ended = ['cancelled', 'completed', 'discarded'];
    const going = JOB_STATES.filter((state) => !ended.includes(state));
    expect(kindsOf({ jobs })).toEqual(going);
    for (const [index, id] of ids.entries()) {
      const one = await river.jobCancel(alike[index] ?? '');
      const many = await river.jobGet(id);
      expect(many).toMatchObject({ state: one.state, attempt: one.attempt });
      expect(Object.keys(many.metadata)).toEqual(Object.keys(one.metadata));
      expect(many.finalizedAt === null).toBe(one.finalizedAt === null);
    }
  });

  test('notifies the workers of running jobs, of each once', async () => {
    const [running] = await plantJobs(client.database, [
      { state: 'running', queue: 'slow' },
      { state: 'available' },
    ]);
    const call = (): Promise<unknown> => river.jobCancelMany({ unsafeAll: true });
    expect(await told(call)).toEqual([
      `{"action" : "cancel", "job_id" : ${running}, "queue" : "slow"}`,
    ]);
    expect(await told(call)).toEqual([]);
    expect((await river.jobCancelMany({ unsafeAll: true })).jobs).toEqual([]);
  });

  test('notifies nobody when its transaction is rolled back', async () => {
    await plantJob(client.database, { state: 'running' });
    const undone = async (): Promise<void> => {
      const call = client.transaction.run(async () => {
        expect((await river.jobCancelMany({ unsafeAll: true })).jobs).toHaveLength(1);
        throw new Error('undone');
      });
      await expect(call).rejects.toThrow('undone');
    };
    expect(await told(undone)).toEqual([]);
  });

  test('takes the filters of jobList', async () => {
    await plantJobs(client.database, [
      { kind: 'a', args: { tenant: 1 }, tags: ['red', 'old'] },
      { kind: 'b', args: { tenant: 1 }, tags: ['red'], queue: 'slow' },
      { kind: 'c', args: { tenant: 2 }, tags: ['red'] },
    ]);
    const cancelled = await river.jobCancelMany({ args: { tenant: 1 }, queues: ['slow'] });
    expect(kindsOf(cancelled)).toEqual(['b']);
    expect(kindsOf(await river.jobCancelMany({ tagsAll: ['red'] }))).toEqual(['a', 'c']);
    expect(kindsOf(await river.jobCancelMany({ ids: [] }))).toEqual([]);
  });
});

describe('jobRetryMany', () => {
  test('does to each job what jobRetry does, but for completed ones', async () => {
    await plantStates();
    const retried = await river.jobRetryMany({ tagsAll: ['planted'] });
    expect(kindsOf(retried)).toEqual(
      JOB_STATES.filter((state) => !['available', 'completed', 'running'].includes(state)),
    );
    expect(retried.jobs.map(({ state }) => state)).toEqual(Array(5).fill('available'));
    expect(kindsOf(await river.jobRetryMany({ states: ['completed'] }))).toEqual(['completed']);
  });

  test('works completed jobs again that are named by their ids', async () => {
    const id = await plantJob(client.database, { state: 'completed' });
    expect((await river.jobRetryMany({ unsafeAll: true })).jobs).toEqual([]);
    expect((await river.jobRetryMany({ ids: [id] })).jobs).toMatchObject([{ state: 'available' }]);
  });

  test('gives an attempt to those that have none left, and takes the mark of a cancellation', async () => {
    await plantJobs(client.database, [
      { state: 'discarded', attempt: 3, max_attempts: 3 },
      { state: 'cancelled', attempt: 1, metadata: { a: 1, cancel_attempted_at: 'x' } },
    ]);
    const { jobs } = await river.jobRetryMany({ states: ['discarded', 'cancelled'] });
    expect(jobs.map(({ maxAttempts, metadata }) => [maxAttempts, metadata])).toEqual([
      [4, {}],
      [25, { a: 1 }],
    ]);
  });

  test('retries the oldest of equal unique jobs, and none whose place is taken', async () => {
    await plantJobs(client.database, [
      { ...UNIQUE, kind: 'first', state: 'discarded' },
      { ...UNIQUE, kind: 'second', state: 'discarded' },
      { ...UNIQUE, unique_key: '\\x03', kind: 'holds', state: 'retryable' },
      { ...UNIQUE, unique_key: '\\x03', kind: 'lost', state: 'discarded' },
      { kind: 'plain', state: 'discarded' },
    ]);
    const unfinished = { states: ['discarded', 'retryable'] } as const;
    expect(kindsOf(await river.jobRetryMany(unfinished))).toEqual(['first', 'holds', 'plain']);
    expect(kindsOf(await river.jobRetryMany(unfinished))).toEqual([]);
  });

  test('passes over jobs whose place is taken without counting them', async () => {
    await plantJobs(client.database, [
      { ...UNIQUE, state: 'available' },
      { ...UNIQUE, state: 'discarded' },
      { kind: 'free', state: 'discarded' },
    ]);
    expect(kindsOf(await river.jobRetryMany({ states: ['discarded'], first: 1 }))).toEqual([
      'free',
    ]);
  });

  test('changes nothing where an equal job is inserted at the same time', async () => {
    await plantJobs(client.database, [
      { state: 'discarded' },
      { ...UNIQUE, kind: 'unique', state: 'discarded' },
    ]);
    await other.query('begin');
    await other.query(
      `insert into river_job (args, kind, max_attempts, unique_key, unique_states)
       values ('{}', 'unique', 1, $1, $2)`,
      [UNIQUE.unique_key, UNIQUE.unique_states],
    );
    const retry = river.jobRetryMany({ states: ['discarded'] });
    retry.catch(() => undefined);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    await expect(retry).rejects.toBeInstanceOf(DatabaseError);
    await expect(retry).rejects.toMatchObject({ sqlState: '23505' });
    expect(await storedJobs(client.database, `state = 'discarded'`)).toHaveLength(2);
  });
});
