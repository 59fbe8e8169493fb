import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RiverClient } from 'nestjs-river';
import { startClient, type StartedClient } from '../client/started-client.js';

const JOBS = 20_000;
/** Jobs that are not done; the others are completed, and have lower ids. */
const OPEN = 300;

let client: StartedClient;
let river: RiverClient;

beforeAll(async () => {
  // One connection, whose counts of rows are told before they are asked for.
  client = await startClient({ dataSource: { max: 1 } });
  river = client.river;
  await client.dataSource.query(
    `insert into river_job (args, kind, state, finalized_at, queue, priority, scheduled_at, unique_key, unique_states)
     select jsonb_build_object('n', n), 'kind_' || n % 10, (case when n <= $1 then 'completed' else 'available' end)::river_job_state,
       case when n <= $1 then now() - n * interval '1 second' end, 'queue_' || n % 3, 1 + n % 4,
       now() - n * interval '1 second', int4send(n), '11110101'
     from generate_series(1, $2::int) as n`,
    [JOBS - OPEN, JOBS],
  );
  await client.dataSource.query('vacuum (analyze) river_job');
});
afterAll(() => client.stop());

interface Reads {
  /** Scans of the whole table. */
  readonly scans: number;
  /** Rows read by way of an index. */
  readonly rows: number;
}

async function reads(): Promise<Reads> {
  await client.dataSource.query('select pg_stat_force_next_flush()');
  const [row] = await client.dataSource.query<{ scans: string; rows: string }[]>(
    `select seq_scan as scans, idx_tup_fetch as rows
     from pg_stat_user_tables where relname = 'river_job'`,
  );
  return { scans: Number(row?.scans), rows: Number(row?.rows) };
}

async function readBy(call: () => Promise<unknown>): Promise<Reads> {
  const before = await reads();
  await call();
  const after = await reads();
  return { scans: after.scans - before.scans, rows: after.rows - before.rows };
}

describe('of a big table', () => {
  test.each<[string, () => Promise<unknown>, number]>([
    ['jobList', () => river.jobList({ first: 10 }), 10],
    ['jobList from the end', () => river.jobList({ sortOrder: 'desc', first: 10 }), 10],
    [
      'jobList of a state that is at the end',
      () => river.jobList({ states: ['available'], first: 10 }),
      10,
    ],
    [
      'jobList of a queue in that state',
      () => river.jobList({ states: ['available'], queues: ['queue_1'], first: 10 }),
      10,
    ],
    ['jobList of a state that none has', () => river.jobList({ states: ['running'] }), 0],
    [
      'jobList of the next to be worked',
      () => river.jobList({ states: ['available'], orderBy: 'scheduledAt', first: 10 }),
      10,
    ],
    [
      'jobList of the last that were done',
      () => river.jobList({ orderBy: 'finalizedAt', sortOrder: 'desc', first: 10 }),
      // The order by id, of jobs that ended at one moment, is looked up in the row.
      2 * 10 + 2,
    ],
    ['jobList of some args', () => river.jobList({ args: { n: 5_000 } }), 2],
    ['queueStats', () => river.queueStats(), 0],
  ])('%s reads no more rows than it answers', async (_name, call, rows) => {
    const { scans, rows: read } = await readBy(call);
    expect(scans).toBe(0);
    expect(read).toBeLessThanOrEqual(rows);
  });

  test('pages far behind cost no more than the first', async () => {
    const params = { states: ['completed'], orderBy: 'finalizedAt', first: 10 } as const;
    let after: string | undefined;
    for (const first of [9_000, 9_000]) {
      ({ lastCursor: after } = await river.jobList({ ...params, first, after }));
    }
    const { scans, rows } = await readBy(() => river.jobList({ ...params, after }));
    expect(scans).toBe(0);
    expect(rows).toBeLessThan(30);
  });

  test('a call about one job reads that one', async () => {
    const calls = [
      (id: number) => river.jobGet(id),
      (id: number) => river.jobUpdate(id, { output: 1 }),
      (id: number) => river.jobCancel(id),
      (id: number) => river.jobRetry(id),
      (id: number) => river.jobDelete(id),
    ];
    for (const call of calls.slice(0, -1)) {
      // A statement that is used more often is planned without its values.
      for (let id = 1; id < 8; id++) await call(id);
    }
    for (const call of calls) {
      const { scans, rows } = await readBy(() => call(JOBS));
      expect(scans).toBe(0);
      expect(rows).toBeLessThanOrEqual(4);
    }
  });

  test('jobRetryMany reads the jobs that it retries, and looks up their unique keys', async () => {
    await client.dataSource.query(
      `insert into river_job (args, kind, max_attempts, state, finalized_at, unique_key, unique_states)
       select '{}', 'failed', 1, 'discarded', now(), int4send(-n), '11110101' from generate_series(1, 20) as n`,
    );
    const { scans, rows } = await readBy(async () => {
      const { jobs } = await river.jobRetryMany({ states: ['discarded'], first: 1_000 });
      expect(jobs).toHaveLength(20);
    });
    expect(scans).toBe(0);
    expect(rows).toBeLessThanOrEqual(4 * 20);
  });
});
