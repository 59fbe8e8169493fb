import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  JOB_STATES,
  JobArgs,
  jobArgs,
  type JobInsertResult,
  type JobState,
  type RiverClient,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, storedJobs, type StartedClient } from './started-client.js';

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class UniqueArgs {
  constructor(readonly value: string) {}
}

type Flagged = Pick<JobInsertResult, 'uniqueSkippedAsDuplicated'>;

/** Who wrote the row, where it lies, who locked it, and what is in it. */
const PHYSICAL =
  'select ctid::text, xmin::text, xmax::text, job.* from river_job as job order by id';

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 1 } });
  river = client.river;
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'truncate river_job'));

const physicalRows = () => queryAll(client.database, PHYSICAL);
const skipped = (results: readonly Flagged[]): boolean[] =>
  results.map(({ uniqueSkippedAsDuplicated }) => uniqueSkippedAsDuplicated);

describe('a duplicate', () => {
  test('is flagged, and comes back as the existing job', async () => {
    const first = await river.insert(new UniqueArgs('a'), { priority: 2, queue: 'first' });
    const second = await river.insert(new UniqueArgs('a'), { priority: 3, queue: 'second' });
    expect(first.uniqueSkippedAsDuplicated).toBe(false);
    expect(second.uniqueSkippedAsDuplicated).toBe(true);
    expect(second.job).toMatchObject({ id: first.job.id, priority: 2, queue: 'first' });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('leaves the existing row untouched and unlocked, and makes no dead row', async () => {
    await river.insert(new UniqueArgs('a'), { tags: ['first'] });
    const before = await physicalRows();
    expect(before).toMatchObject([{ xmax: '0' }]);
    for (let round = 0; round < 5; round++) {
      await river.insert(new UniqueArgs('a'), { tags: ['another'], metadata: { round } });
      await river.insertMany([new UniqueArgs('a'), new UniqueArgs('a')]);
      await client.transaction.run(() => river.insert(new UniqueArgs('a')));
    }
    expect(await physicalRows()).toEqual(before);
    // The only connection of the pool tells what it has counted.
    await client.dataSource.query('select pg_stat_force_next_flush()');
    const stats = await queryAll(
      client.database,
      `select n_dead_tup::int as dead, n_tup_upd::int as updated
       from pg_stat_user_tables where relname = 'river_job'`,
    );
    expect(stats).toEqual([{ dead: 0, updated: 0 }]);
  });

  test('draws no id', async () => {
    const first = await river.insert(new UniqueArgs('a'));
    for (let round = 0; round < 5; round++) await river.insert(new UniqueArgs('a'));
    await river.insertMany([new UniqueArgs('a'), new UniqueArgs('a')]);
    const next = await river.insert(new UniqueArgs('b'));
    expect(Number(next.job.id)).toBe(Number(first.job.id) + 1);
  });

  test('shows the existing row as it is by then', async () => {
    const { job } = await river.insert(new UniqueArgs('a'));
    await queryAll(
      client.database,
      `update river_job set state = 'completed', finalized_at = '2026-01-01T00:00:00Z', attempt = 1`,
    );
    const again = await river.insert(new UniqueArgs('a'));
    expect(again.job).toMatchObject({
      id: job.id,
      state: 'completed',
      attempt: 1,
      finalizedAt: new Date('2026-01-01T00:00:00Z'),
    });
  });

  test('may be a job of another kind when the kind is excluded', async () => {
    const opts = { uniqueOpts: { byArgs: true, excludeKind: true } } as const;
    const first = await river.insert(jobArgs('one', { a: 1 }), opts);
    const second = await river.insert(jobArgs('two', { a: 1 }), opts);
    expect(second).toMatchObject({
      uniqueSkippedAsDuplicated: true,
      job: { id: first.job.id, kind: 'one' },
    });
  });
});

describe('what counts as the same', () => {
  test.each([
    ['args', { byArgs: true }, jobArgs('k', { v: 'x' }), jobArgs('k', { v: 'y' })],
    ['kind', { byArgs: true }, jobArgs('k', {}), jobArgs('l', {})],
    [
      'selected args',
      { byArgs: ['v'] },
      jobArgs('k', { v: 1, w: 1 }),
      jobArgs('k', { v: 2, w: 1 }),
    ],
  ])('is not another %s', async (_what, uniqueOpts, one, other) => {
    await river.insert(one, { uniqueOpts });
    expect(skipped([await river.insert(other, { uniqueOpts })])).toEqual([false]);
    expect(skipped([await river.insert(one, { uniqueOpts })])).toEqual([true]);
  });

  test('is what the selected args say, whatever the others are', async () => {
    const uniqueOpts = { byArgs: [['v']] } as const;
    await river.insert(jobArgs('k', { v: 1, w: 1 }), { uniqueOpts });
    const second = await river.insert(jobArgs('k', { v: 1, w: 2 }), { uniqueOpts });
    expect(second.uniqueSkippedAsDuplicated).toBe(true);
  });

  test('is another job in another queue, by queue', async () => {
    const uniqueOpts = { byArgs: true, byQueue: true };
    const opts = (queue?: string) => ({ queue, uniqueOpts });
    await river.insert(new UniqueArgs('a'), opts());
    expect(skipped([await river.insert(new UniqueArgs('a'), opts('other'))])).toEqual([false]);
    expect(skipped([await river.insert(new UniqueArgs('a'), opts('default'))])).toEqual([true]);
  });
});

describe('the states that stand in the way', () => {
  const finalized: readonly JobState[] = ['cancelled', 'completed', 'discarded'];
  const setState = (state: JobState) =>
    queryAll(
      client.database,
      `update river_job set state = $1, finalized_at = case when $2 then now() end`,
      [state, finalized.includes(state)],
    );

  test.each(JOB_STATES)('by default all but cancelled and discarded: %s', async (state) => {
    const isInTheWay = state !== 'cancelled' && state !== 'discarded';
    await river.insert(new UniqueArgs('a'));
    await setState(state);
    expect(skipped([await river.insert(new UniqueArgs('a'))])).toEqual([isInTheWay]);
  });

  test("are those of the existing row's own mask", async () => {
    const byState = ['available', 'pending', 'running', 'scheduled'] as const;
    await river.insert(new UniqueArgs('a'), { uniqueOpts: { byArgs: true, byState } });
    await setState('completed');
    expect(skipped([await river.insert(new UniqueArgs('a'))])).toEqual([false]);
    await queryAll(client.database, `delete from river_job where state = 'completed'`);
    await setState('completed');
    const again = await river.insert(new UniqueArgs('a'), {
      uniqueOpts: { byArgs: true, byState },
    });
    expect(again.uniqueSkippedAsDuplicated).toBe(true);
  });
});

describe('a batch', () => {
  test('stores a repeated key once; the others are duplicates of the first', async () => {
    const results = await river.insertMany([
      new UniqueArgs('b'),
      InsertManyParams.of(new UniqueArgs('a'), { priority: 2 }),
      new UniqueArgs('b'),
      InsertManyParams.of(new UniqueArgs('a'), { priority: 3 }),
      jobArgs('plain', {}),
      new UniqueArgs('c'),
    ]);
    expect(skipped(results)).toEqual([false, false, true, true, false, false]);
    expect(results[2].job.id).toBe(results[0].job.id);
    expect(results[3].job).toMatchObject({ id: results[1].job.id, priority: 2 });
    const rows = await storedJobs(client.database);
    expect(rows.map(({ args }) => args)).toEqual([
      { value: 'b' },
      { value: 'a' },
      {},
      { value: 'c' },
    ]);
    expect(rows.map(({ id }) => id)).toEqual(
      [0, 1, 4, 5].map((index) => String(results[index]?.job.id)),
    );
  });

  test('mixes new jobs and duplicates of stored ones, in the order given', async () => {
    const [a, c] = await river.insertMany([new UniqueArgs('a'), new UniqueArgs('c')]);
    const results = await river.insertMany(['d', 'c', 'b', 'a', 'd'].map((v) => new UniqueArgs(v)));
    expect(skipped(results)).toEqual([false, true, false, true, true]);
    expect(results[1]?.job.id).toBe(c.job.id);
    expect(results[3]?.job.id).toBe(a.job.id);
    expect(await countJobs(client.database)).toBe(4);
  });

  test('of only duplicates stores nothing', async () => {
    await river.insert(new UniqueArgs('a'));
    const before = await physicalRows();
    const results = await river.insertMany([new UniqueArgs('a'), new UniqueArgs('a')]);
    expect(skipped(results)).toEqual([true, true]);
    expect(await physicalRows()).toEqual(before);
  });
});
