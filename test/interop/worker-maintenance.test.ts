import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import { queryAll } from '../support/index.js';
import { startScriptedWorker } from './support/scripted-worker.js';
import { useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

/*
 * A leader of River's Go client maintains one schema, and ours, as an equal, another one with the same rows.
 */

const GO = 'public';
const OURS = 'other_river';
const KIND = 'known';
const HOUR_S = 3_600;
const RESCUE_AFTER_MS = 2 * HOUR_S * 1_000;
/** Each service begins up to a second after the one before. */
const PATIENCE_MS = 20_000;

/** The key of a job, and what its mask says of the states in which it holds the key. */
const KEY = (place: number): string => `\\x${place.toString(16).padStart(64, '0')}`;
/** Bits from the left: scheduled, running, retryable, pending, discarded, completed, cancelled, available. */
const WITHOUT_RETRYABLE = '11010001';

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const lost = (row: PlantedJob = {}): PlantedJob => ({
  state: 'running',
  attempt: 1,
  attempted_at: ago(3 * HOUR_S),
  attempted_by: ['lost'],
  // The next wait is 81 s: long enough for the scheduler to leave it alone.
  errors: [anError(1), anError(2)],
  ...row,
});

const ROWS: Record<string, PlantedJob> = {
  // Scheduler
  'scheduled and due': { state: 'scheduled', scheduled_at: ago(10) },
  'scheduled in 3 s': { state: 'scheduled', scheduled_at: ago(-3) },
  'scheduled in an hour': { state: 'scheduled', scheduled_at: ago(-HOUR_S) },
  'retryable and due': { state: 'retryable', attempt: 1, scheduled_at: ago(10) },
  'pending and due': { state: 'pending', scheduled_at: ago(10) },
  'the first of two with one key': keyed(1, { priority: 1 }),
  'the second of two with one key': keyed(1, { priority: 2 }),
  'the holder of a key': { ...keyed(2), state: 'pending' },
  'retryable with a key that is held': keyed(2),
  'retryable with a key that nobody holds': keyed(3),
  'a finished job with a key': {
    ...keyed(4),
    state: 'completed',
    unique_states: WITHOUT_RETRYABLE,
  },
  'retryable with the key of a finished job': keyed(5),
  // Rescuer
  lost: lost(),
  'lost in a later attempt': lost({ attempt: 3 }),
  'lost with its last attempt': lost({ attempt: 3, max_attempts: 3 }),
  'lost and cancelled': lost({ metadata: { cancel_attempted_at: '2026-01-01T00:00:00Z' } }),
  'lost and rescued before': lost({ metadata: { 'river:rescue_count': 4 } }),
  'lost, with a count that is not a number': lost({ metadata: { 'river:rescue_count': 'x' } }),
  'running for an hour': lost({ attempted_at: ago(HOUR_S) }),
  // Cleaner
  'completed 25 h ago': { state: 'completed', finalized_at: ago(25 * HOUR_S) },
  'completed 23 h ago': { state: 'completed', finalized_at: ago(23 * HOUR_S) },
  'cancelled 25 h ago': { state: 'cancelled', finalized_at: ago(25 * HOUR_S) },
  'cancelled 23 h ago': { state: 'cancelled', finalized_at: ago(23 * HOUR_S) },
  'discarded 8 days ago': { state: 'discarded', finalized_at: ago(192 * HOUR_S) },
  'discarded 6 days ago': { state: 'discarded', finalized_at: ago(144 * HOUR_S) },
};

function keyed(key: number, row: PlantedJob = {}): PlantedJob {
  return {
    state: 'retryable',
    attempt: 1,
    scheduled_at: ago(60),
    unique_key: KEY(key),
    unique_states: WITHOUT_RETRYABLE,
    ...row,
  };
}

function anError(attempt: number): object {
  return { at: '2020-01-01T00:00:00Z', attempt, error: 'before', trace: '' };
}

type Row = Readonly<Record<string, unknown>>;

describeWithGo('a leader leaves the rows as a Go leader does', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));
  afterEach(() => sides.rows.clear(GO, OURS));

  async function plant(rows: readonly PlantedJob[]): Promise<void> {
    for (const schema of [GO, OURS]) {
      await plantJobs({ ...sides.database, schema }, rows);
      await queryAll(
        sides.database,
        `insert into "${schema}".river_queue (name, created_at, metadata, paused_at, updated_at) values
          ('old', now(), '{}', null, now() - interval '25 hours'),
          ('old and paused', now(), '{}', now(), now() - interval '25 hours'),
          ('young', now(), '{}', null, now() - interval '23 hours')
          on conflict (name) do nothing`,
      );
    }
  }

  const columns = `args->>'name' as name, state::text, attempt, attempted_by, metadata,
    (select array_agg(error - 'at' order by place) from unnest(errors) with ordinality as e (error, place)) as errors,
    finalized_at is not null as is_finalized,
    floor(extract(epoch from scheduled_at - created_at)::numeric / 60) as scheduled_after`;

  async function rowsOf(schema: string): Promise<Row[]> {
    return await queryAll<Row>(
      sides.database,
      `select ${columns} from "${schema}".river_job order by args->>'name'`,
    );
  }

  async function queuesOf(schema: string): Promise<unknown[]> {
    const rows = await queryAll<{ name: string }>(
      sides.database,
      `select name from "${schema}".river_queue order by name`,
    );
    return rows.map(({ name }) => name);
  }

  async function maintainByGo(): Promise<void> {
    const { worker } = await sides.go.ask<{ worker: string }>('work', {
      schema: GO,
      kinds: [KIND],
      queues: { idle: 1 },
      rescueAfterMs: RESCUE_AFTER_MS,
    });
    await untilMaintained(GO);
    await sides.go.stopWork(worker);
  }

  async function maintainByOurs(): Promise<void> {
    const ours = await startScriptedWorker(sides.database, {
      schema: OURS,
      kinds: [KIND],
      queues: { idle: 1 },
      maintenance: 'elect',
      rescueAfterMs: RESCUE_AFTER_MS,
    });
    await untilMaintained(OURS);
    await ours.stop();
  }

  /** The services have run when each has changed what it has to. */
  async function untilMaintained(schema: string): Promise<void> {
    const left = `select from "${schema}".river_job where args->>'name' in
        ('scheduled and due', 'lost', 'completed 25 h ago')
        and state in ('scheduled', 'running', 'completed')
      union all select from "${schema}".river_queue where name = 'old' limit 1`;
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50))
      if ((await queryAll(sides.database, left)).length === 0) return;
    throw new Error(`nobody has maintained ${schema}`);
  }

  test(`${Object.keys(ROWS).length} rows of jobs, and queues`, async () => {
    await plant(
      Object.entries(ROWS).map(([name, row]) => ({
        kind: KIND,
        args: { name },
        created_at: ago(0),
        scheduled_at: ago(60),
        ...row,
      })),
    );
    await maintainByGo();
    await maintainByOurs();

    expect(await rowsOf(OURS)).toEqual(await rowsOf(GO));
    expect(await queuesOf(OURS)).toEqual(await queuesOf(GO));
    // What the two agree about is not that nothing has happened.
    const states = new Map((await rowsOf(OURS)).map(({ name, state }) => [name, state]));
    expect(states.get('lost')).toBe('retryable');
    expect(states.get('the second of two with one key')).toBe('discarded');
    expect(states.has('completed 25 h ago')).toBe(false);
    for (const schema of [GO, OURS])
      expect(await queryAll(sides.database, `select from "${schema}".river_leader`)).toEqual([]);
  }, 90_000);

  test('of two due jobs with one key, Go discards both where the first holds it, and ours the second', async () => {
    await plant([
      { ...keyed(6), kind: KIND, args: { name: 'first' }, state: 'scheduled', priority: 1 },
      { ...keyed(6), kind: KIND, args: { name: 'second' }, priority: 2 },
      {
        kind: KIND,
        args: { name: 'scheduled and due' },
        state: 'scheduled',
        scheduled_at: ago(10),
      },
    ]);
    await maintainByGo();
    await maintainByOurs();
    const states = async (schema: string) => (await rowsOf(schema)).map(({ state }) => state);
    expect(await states(GO)).toEqual(['discarded', 'available', 'discarded']);
    expect(await states(OURS)).toEqual(['available', 'available', 'discarded']);
  }, 60_000);

  test('a kind that is not known here is tried again, and an odd cancel mark harms nobody', async () => {
    await plantJobs({ ...sides.database, schema: OURS }, [
      lost({ kind: 'unknown', args: { name: 'unknown' } }),
      lost({ kind: 'unknown', args: { name: 'unknown, last' }, attempt: 3, max_attempts: 3 }),
      lost({ kind: KIND, args: { name: 'odd' }, metadata: { cancel_attempted_at: 'no time' } }),
      lost({ kind: KIND, args: { name: 'lost' } }),
    ]);
    await maintainByOurs();
    const states = (await rowsOf(OURS)).map(({ name, state }) => [name, state]);
    expect(Object.fromEntries(states)).toEqual({
      unknown: 'retryable',
      'unknown, last': 'discarded',
      odd: 'cancelled',
      lost: 'retryable',
    });
  }, 60_000);
});
