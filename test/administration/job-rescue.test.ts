import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { JOB_STATES, JobNotStuckError, type JobRow, type RiverClient } from 'nestjs-river';
import { startClient, storedJobs, type StartedClient } from '../client/started-client.js';
import { connect, queryAll } from '../support/index.js';
import { plantJob, type PlantedJob } from './planted-jobs.js';
import { untilSomebodyWaits } from './waiting.js';

const HOUR_MS = 3_600_000;

let client: StartedClient;
let river: RiverClient;
let other: pg.Client;
beforeAll(async () => {
  client = await startClient();
  river = client.river;
  other = await connect(client.database);
});
afterAll(async () => {
  await other.end();
  await client.stop();
});
beforeEach(() => queryAll(client.database, 'delete from river_job'));

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

/** Plants a job whose worker died two hours ago. */
const plantStuck = (job: PlantedJob = {}): Promise<string> =>
  plantJob(client.database, {
    state: 'running',
    attempt: 1,
    attempted_at: ago(2 * HOUR_MS),
    attempted_by: ['dead'],
    ...job,
  });

/** Seconds from now to when the job may be worked. */
const secondsUntil = ({ scheduledAt }: JobRow): number =>
  (scheduledAt.getTime() - Date.now()) / 1_000;

describe('jobRescue of a job that is stuck', () => {
  test('makes it retryable, with an error of the attempt, and returns the row as stored', async () => {
    const id = await plantStuck();
    const job = await river.jobRescue(id);
    expect(job).toMatchObject({
      state: 'retryable',
      attempt: 1,
      attemptedBy: ['dead'],
      finalizedAt: null,
      metadata: { 'river:rescue_count': 1 },
      errors: [{ attempt: 1, error: 'Stuck job rescued by JobRescuer', trace: '' }],
    });
    expect(Math.abs(Date.now() - (job.errors[0]?.at.getTime() ?? 0))).toBeLessThan(60_000);
    expect(job).toEqual(await river.jobGet(id));
  });

  test.each([
    [0, 1],
    [1, 16],
    [2, 81],
    [9, 10_000],
    [400, 9_223_372_036],
  ])('tries it again by the policy of River: after %i errors in %i s', async (count, seconds) => {
    const errors = Array.from({ length: count }, (_, n) => ({ attempt: n + 1, error: 'no' }));
    const id = await plantStuck({ attempt: count + 1, max_attempts: 1_000, errors });
    const job = await river.jobRescue(id);
    expect(job.errors).toHaveLength(count + 1);
    // Ten per cent of jitter, and the time that passes between two clock readings.
    expect(secondsUntil(job)).toBeGreaterThan(seconds * 0.9 - 5);
    expect(secondsUntil(job)).toBeLessThan(seconds * 1.1 + 5);
  });

  test('discards it when no attempt is left, and keeps when it was to be worked', async () => {
    const id = await plantStuck({ attempt: 3, max_attempts: 3 });
    const job = await river.jobRescue(id);
    expect(job).toMatchObject({ state: 'discarded', attempt: 3, metadata: {} });
    expect(job.finalizedAt).not.toBeNull();
    expect(job.scheduledAt).toEqual(new Date('2020-01-01T00:00:00Z'));
    expect(job.errors).toHaveLength(1);
  });

  test('cancels it when that was asked for while it ran', async () => {
    const id = await plantStuck();
    await river.jobCancel(id);
    const job = await river.jobRescue(id);
    expect(job).toMatchObject({ state: 'cancelled', metadata: { 'river:rescue_count': 1 } });
    expect(job.finalizedAt).not.toBeNull();
    expect(job.errors).toHaveLength(1);
  });

  test.each<[string, unknown, unknown]>([
    ['counts on', { a: 1, 'river:rescue_count': 2 }, { a: 1, 'river:rescue_count': 3 }],
    ['begins to count', { 'river:rescue_count': 'x' }, { 'river:rescue_count': 1 }],
    ['takes null for no mark', { cancel_attempted_at: null }, { cancel_attempted_at: null }],
    ['leaves a list', ['cancel_attempted_at'], ['cancel_attempted_at']],
  ])('%s in the metadata %j', async (_what, metadata, expected) => {
    const job = await river.jobRescue(await plantStuck({ metadata }));
    expect(job.state).toBe('retryable');
    const { 'river:rescue_count': _count, ...rest } = job.metadata;
    expect(Array.isArray(metadata) ? job.metadata : { ...rest, ...job.metadata }).toMatchObject(
      expected as object,
    );
  });

  test('takes a shorter age', async () => {
    const id = await plantStuck({ attempted_at: ago(10_000) });
    await expect(river.jobRescue(id)).rejects.toThrow(JobNotStuckError);
    expect(await river.jobRescue(id, { rescueAfterMs: 5_000 })).toMatchObject({
      state: 'retryable',
    });
  });

  test('joins a transaction, and is undone with it', async () => {
    const id = await plantStuck();
    const undone = client.dataSource.transaction(async (manager) => {
      expect(await river.jobRescueTx(manager, id)).toMatchObject({ state: 'retryable' });
      expect(await river.jobRescue(id)).toMatchObject({ state: 'retryable' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await river.jobGet(id)).toMatchObject({ state: 'running', errors: [] });
  });
});

describe('jobRescue leaves as it is', () => {
  test.each<[string, PlantedJob]>([
    ['began half an hour ago', { attempted_at: ago(HOUR_MS / 2) }],
    ['has no time of its attempt', { attempted_at: null }],
  ])('a running job whose attempt %s, and rejects', async (_which, job) => {
    const id = await plantStuck(job);
    const before = await storedJobs(client.database);
    await expect(river.jobRescue(id)).rejects.toMatchObject({
      name: 'JobNotStuckError',
      code: 'RIVER_JOB_NOT_STUCK',
      field: 'rescueAfterMs',
      retryable: true,
    });
    expect(await storedJobs(client.database)).toEqual(before);
  });

  test.each(JOB_STATES.filter((state) => state !== 'running'))(
    'a job that is %s, and returns it',
    async (state) => {
      const id = await plantStuck({ state });
      const before = await storedJobs(client.database);
      expect(await river.jobRescue(id)).toMatchObject({ state, errors: [] });
      expect(await storedJobs(client.database)).toEqual(before);
    },
  );

  test('a job that its worker completes at the same time', async () => {
    const id = await plantStuck();
    await other.query('begin');
    await other.query(
      `update river_job set state = 'completed', finalized_at = now() where id = $1`,
      [id],
    );
    const rescue = river.jobRescue(id);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    expect(await rescue).toMatchObject({ state: 'completed', errors: [] });
  });

  test('a job whose next attempt begins at the same time', async () => {
    const id = await plantStuck();
    await other.query('begin');
    await other.query(
      `update river_job set attempt = attempt + 1, attempted_at = now() where id = $1`,
      [id],
    );
    const rescue = river.jobRescue(id);
    rescue.catch(() => undefined);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    await expect(rescue).rejects.toThrow(JobNotStuckError);
    expect(await river.jobGet(id)).toMatchObject({ state: 'running', attempt: 2, errors: [] });
  });

  test('a job that is not there, and rejects', async () => {
    await expect(river.jobRescue(999n)).rejects.toMatchObject({ code: 'RIVER_JOB_NOT_FOUND' });
  });
});
