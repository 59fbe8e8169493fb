import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import { queryAll } from '../support/index.js';
import { startScriptedWorker, type Script } from './support/scripted-worker.js';
import { useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

/*
 * The same rows are worked by River's Go client in one schema and by ours in another, and compared column by
 * column. Times are compared by their distance from the attempt, the waits of retries within their jitter.
 */

const GO = 'public';
const OURS = 'other_river';
const KIND = 'scripted';
const PATIENCE_MS = 20_000;

const ROWS: Record<string, PlantedJob> = {
  'a new job': {},
  'the second attempt': { attempt: 1, errors: [anError(1)], attempted_by: ['other'] },
  'an eighth attempt with two errors': { attempt: 7, errors: [anError(1), anError(2)] },
  'the last attempt': { attempt: 2, max_attempts: 3, errors: [anError(1), anError(2)] },
  'the only attempt': { max_attempts: 1 },
  'an attempt beyond the last': { attempt: 5, max_attempts: 3 },
  'a cancel mark of before': {
    attempt: 1,
    metadata: { cancel_attempted_at: '2020-01-01T00:00:00Z' },
  },
  'a cancel mark of null': { metadata: { cancel_attempted_at: null } },
  'four snoozes': { metadata: { snoozes: 4 } },
  'snoozes that are no number': { metadata: { snoozes: 'x' } },
  'nested metadata': { metadata: { a: { x: 1 }, kept: [1, 2] } },
  'an output of before': { attempt: 1, metadata: { output: { old: true } } },
  'ninety-nine clients': { attempt: 99, attempted_by: clients(99) },
  'a hundred clients': { attempt: 100, attempted_by: clients(100) },
  'a hundred and thirty clients': { attempt: 130, attempted_by: clients(130), max_attempts: 200 },
  'no list of clients': { attempted_by: null },
  'tags and a low priority': { tags: ['a', 'b'], priority: 4 },
  'a unique key': {
    unique_key: `\\x${'ab'.repeat(32)}`,
    unique_states: '11110101',
  },
};

const SCRIPTS: Record<string, Script> = {
  succeeds: {},
  'records an output': { output: { sorted: ['a', 'b'] } },
  'sets metadata': { metadata: { a: { y: 2 }, b: null } },
  fails: { error: 'no connection' },
  'fails without a text': { fails: true, error: '' },
  'sets metadata and fails': { metadata: { progress: 3 }, error: 'later' },
  panics: { panic: 'boom' },
  cancels: { cancel: 'nope' },
  'snoozes for 3 s': { snoozeMs: 3_000 },
  'snoozes for an hour': { snoozeMs: 3_600_000 },
};

const CASES = Object.entries(ROWS).flatMap(([row, planted]) =>
  Object.entries(SCRIPTS).map(([script, worker]) => ({
    name: `${row} ${script}`,
    row: {
      ...planted,
      kind: KIND,
      args: { name: `${row} ${script}`, worker },
    } satisfies PlantedJob,
  })),
);

interface StoredJob {
  readonly name: string;
  readonly [column: string]: unknown;
}

describeWithGo('the rows after an attempt are those of a Go worker', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));
  afterEach(() => sides.rows.clear(GO, OURS));

  /** Works planted rows on both sides, until `isDone` or for as long as `during` takes. */
  async function workBoth(
    cases: readonly { readonly row: PlantedJob }[],
    {
      during,
      cancels = false,
      jobTimeoutMs,
      kinds = [KIND],
      onlyKnownKinds = false,
    }: {
      readonly during?: (schema: string) => Promise<void>;
      readonly cancels?: boolean;
      readonly jobTimeoutMs?: number;
      readonly kinds?: readonly string[];
      readonly onlyKnownKinds?: boolean;
    } = {},
  ): Promise<{ go: StoredJob[]; ours: StoredJob[] }> {
    // A key is unique in its table.
    const rows = cases.map(({ row }, place) =>
      row.unique_key === undefined ? row : { ...row, unique_key: keyOf(place) },
    );
    for (const schema of [GO, OURS]) await plantJobs({ ...sides.database, schema }, rows);
    const options = { kinds, onlyKnownKinds, ...(jobTimeoutMs && { jobTimeoutMs }) };
    const go = await sides.go.ask<{ worker: string }>('work', {
      ...options,
      schema: GO,
      queues: { default: 500 },
    });
    await (during?.(GO) ?? untilWorked(GO));
    await sides.go.ask('stopWork', { worker: go.worker, cancel: cancels });
    const ours = await startScriptedWorker(sides.database, {
      ...options,
      schema: OURS,
      queues: { default: 500 },
      maintenance: 'never',
    });
    await (during?.(OURS) ?? untilWorked(OURS));
    await ours.stop({ cancel: cancels });
    return { go: await stored(GO), ours: await stored(OURS) };
  }

  async function untilWorked(schema: string): Promise<void> {
    const waiting = `select from "${schema}".river_job
      where attempted_at is null or state = 'running' limit 1`;
    await until(async () => (await queryAll(sides.database, waiting)).length === 0);
  }

  async function untilRunning(schema: string): Promise<void> {
    const waiting = `select from "${schema}".river_job where state <> 'running' limit 1`;
    await until(async () => (await queryAll(sides.database, waiting)).length === 0);
  }

  async function stored(schema: string): Promise<StoredJob[]> {
    const rows = await queryAll<Record<string, unknown>>(
      sides.database,
      `select args->>'name' as name, state::text, attempt, max_attempts, priority, queue, tags,
         encode(unique_key, 'hex') as unique_key, unique_states::text,
         (errors)::jsonb[] as errors, metadata, attempted_by,
         extract(epoch from finalized_at - attempted_at)::float as finalized_after,
         case when scheduled_at > '2021-01-01'
           then extract(epoch from scheduled_at - attempted_at)::float end as scheduled_after,
         attempted_at > now() - interval '1 minute' as is_attempted
       from "${schema}".river_job order by id`,
    );
    return rows.map((row) => comparable(row));
  }

  function expectSame(both: { go: StoredJob[]; ours: StoredJob[] }): void {
    expect(both.ours.length).toBe(both.go.length);
    const differing = both.ours.filter((ours, place) => !isSame(ours, both.go[place]));
    const pairs = differing.map((ours) => ({
      ours,
      go: both.go.find(({ name }) => name === ours.name),
    }));
    expect(pairs).toEqual([]);
  }

  test(`${CASES.length} cases of a row and a script`, async () => {
    expect(CASES.length).toBeGreaterThanOrEqual(100);
    expectSame(await workBoth(CASES));
  }, 60_000);

  const cancelled = Object.entries({
    'returns the reason of the signal': { waits: true },
    'succeeds all the same': { waits: true, ignores: true },
    'fails by an error of its own': { waits: true, ignores: true, error: 'own' },
    snoozes: { waits: true, ignores: true, snoozeMs: 3_600_000 },
    cancels: { waits: true, ignores: true, cancel: 'own' },
    panics: { waits: true, ignores: true, panic: 'boom' },
    'sets metadata': { waits: true, metadata: { a: 1 } },
  } satisfies Record<string, Script>).flatMap(([name, worker]) =>
    [{}, { max_attempts: 1 }, { attempt: 1, errors: [anError(1)] }].map((row, place) => ({
      row: { ...row, kind: KIND, args: { name: `${name} ${place}`, worker } },
    })),
  );

  test(`${cancelled.length} cases of jobs that are cancelled while they run`, async () => {
    const both = await workBoth(cancelled, {
      during: async (schema) => {
        await untilRunning(schema);
        const river = sides.river(schema as typeof GO | typeof OURS);
        const { jobs } = await river.jobList({ states: ['running'] });
        for (const { id } of jobs) await river.jobCancel(id);
        await untilWorked(schema);
      },
    });
    expectSame(both);
  }, 60_000);

  test(`${cancelled.length} cases of jobs under way at a stop that cancels`, async () => {
    const both = await workBoth(cancelled, { cancels: true, during: untilRunning });
    expectSame(both);
  }, 60_000);

  test(`${cancelled.length} cases of jobs that reach their time limit`, async () => {
    expectSame(await workBoth(cancelled, { jobTimeoutMs: 200 }));
  }, 60_000);

  test('jobs that are deleted, moved or rescued while they run', async () => {
    const names = ['deleted', 'moved', 'completed'];
    const cases = names.map((name) => ({
      row: {
        kind: KIND,
        args: { name, worker: { waits: true, ignores: true, error: 'late' } },
      },
    }));
    const both = await workBoth(cases, {
      cancels: true,
      during: async (schema) => {
        await untilRunning(schema);
        const set = (name: string, change: string): Promise<unknown> =>
          queryAll(
            sides.database,
            change.replaceAll('$', `"${schema}".river_job where args->>'name' = '${name}'`),
          );
        await set('deleted', 'delete from $');
        await queryAll(
          sides.database,
          `update "${schema}".river_job set state = 'pending' where args->>'name' = 'moved'`,
        );
        await queryAll(
          sides.database,
          `update "${schema}".river_job set state = 'completed', finalized_at = attempted_at
           where args->>'name' = 'completed'`,
        );
      },
    });
    expectSame(both);
  }, 60_000);

  test('kinds without a worker fail by the same text, or are left alone', async () => {
    const cases = [{ row: { kind: 'unknown', args: { name: 'unknown' } } }];
    expectSame(await workBoth(cases));
    await sides.rows.clear(GO, OURS);
    const left = await workBoth(cases, {
      onlyKnownKinds: true,
      during: async () => {
        await sleep(500);
      },
    });
    expectSame(left);
    expect(left.ours[0]?.['state']).toBe('available');
  }, 60_000);
});

function anError(attempt: number): object {
  return { at: '2020-01-01T00:00:00Z', attempt, error: 'before', trace: '' };
}

function clients(count: number): string[] {
  return Array.from({ length: count }, (_, place) => `client-${place}`);
}

function keyOf(place: number): string {
  return `\\x${place.toString(16).padStart(64, '0')}`;
}

/** What two workers of different times and names have alike. */
function comparable({
  name,
  attempted_by: by,
  errors,
  metadata,
  ...row
}: Record<string, unknown>): StoredJob {
  const { cancel_attempted_at: mark, ...others } = metadata as Record<string, unknown>;
  const isNew = typeof mark === 'string' && !mark.startsWith('2020');
  const clientsBefore = (by as string[] | null)?.slice(0, -1) ?? null;
  const last = (by as string[] | null)?.at(-1);
  return {
    name: name as string,
    ...row,
    metadata: mark === undefined ? others : { ...others, cancelled: isNew ? 'now' : mark },
    attempted_by: clientsBefore,
    attempted_by_us: last !== undefined && !last.startsWith('client-') && last !== 'other',
    errors: (errors as Record<string, unknown>[] | null)?.map(({ at, trace, ...error }) => ({
      ...error,
      // The one text that differs: each is that of its own platform's error.
      error: /time limit of 200 ms/.test(String(error['error']))
        ? 'context deadline exceeded'
        : error['error'],
      is_new: Date.parse(at as string) > Date.parse('2021-01-01'),
      has_trace: trace !== '',
      keys: Object.keys({ at, trace, ...error }).sort(),
    })),
  };
}

function isSame(ours: StoredJob, go: StoredJob | undefined): boolean {
  if (go === undefined) return false;
  const columns = new Set([...Object.keys(ours), ...Object.keys(go)]);
  return [...columns].every((column) =>
    column.endsWith('_after')
      ? isNear(ours[column], go[column])
      : JSON.stringify(ours[column]) === JSON.stringify(go[column]),
  );
}

/** Two retries of one wait differ by a fifth at most; the rest is the time that the work took. */
function isNear(ours: unknown, go: unknown): boolean {
  if (typeof ours !== 'number' || typeof go !== 'number') return ours === go;
  return Math.abs(ours - go) <= 1.5 + 0.25 * Math.max(Math.abs(ours), Math.abs(go));
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20))
    if (await isDone()) return;
  throw new Error('the jobs were not worked in time');
}
