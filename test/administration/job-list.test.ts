import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type JobFilters,
  type JobListOrderBy,
  type JobListParams,
  type JobListResult,
  type JobState,
} from 'nestjs-river';
import { startClient, type StartedClient } from '../client/started-client.js';
import { queryAll } from '../support/index.js';
import { plantJobs, type PlantedJob } from './planted-jobs.js';

let client: StartedClient;
beforeAll(async () => {
  // One connection, so that its settings can be changed.
  client = await startClient({ dataSource: { max: 1 } });
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

const list = (params?: JobListParams): Promise<JobListResult> => client.river.jobList(params);
const kindsOf = ({ jobs }: JobListResult): string[] => jobs.map(({ kind }) => kind);

class Numbered {
  constructor(readonly id: number) {}
}

/** Plants jobs whose kinds tell them apart. */
const plant = (jobs: Readonly<Record<string, PlantedJob>>): Promise<string[]> =>
  plantJobs(
    client.database,
    Object.entries(jobs).map(([kind, job]) => ({ kind, ...job })),
  );

describe('jobList without parameters', () => {
  test('lists a hundred jobs by their ids, in any state', async () => {
    const ids = await plantJobs(
      client.database,
      Array.from({ length: 120 }, () => ({})),
    );
    expect((await list()).jobs.map(({ id }) => id)).toEqual(ids.slice(0, 100));
    expect((await list({ first: 10_000 })).jobs).toHaveLength(120);
  });

  test('of no jobs at all answers none, and no cursor', async () => {
    expect(await list()).toEqual({ jobs: [], lastCursor: undefined });
  });
});

describe('the filters', () => {
  test('take ids as bigints, numbers and strings of digits', async () => {
    const [a = '', b = '', c = ''] = await plant({ a: {}, b: {}, c: {} });
    expect(kindsOf(await list({ ids: [c, Number(a), String(b), a] }))).toEqual(['a', 'b', 'c']);
    expect(kindsOf(await list({ ids: [2n ** 63n - 1n] }))).toEqual([]);
  });

  test.each<JobFilters>([
    { ids: [] },
    { kinds: [] },
    { queues: [] },
    { priorities: [] },
    { states: [] },
    { tagsAny: [] },
  ])('%p, a list of nothing, matches no job', async (filter) => {
    await plant({ a: {} });
    for (const orderBy of ['id', 'time', 'scheduledAt', 'finalizedAt'] as const) {
      expect(kindsOf(await list({ ...filter, orderBy }))).toEqual([]);
    }
  });

  test.each<JobFilters>([
    { ids: undefined, states: undefined },
    { tagsAll: [] },
    { args: {} },
    { metadata: {} },
    { createdAt: {}, finalizedAt: { from: undefined, to: undefined } },
  ])('%p asks for nothing', async (filter) => {
    await plant({ a: {}, b: { state: 'completed' } });
    expect(kindsOf(await list(filter))).toEqual(['a', 'b']);
  });

  test('of args take the jobs whose args contain the object', async () => {
    await plant({
      a: { args: { customer: { id: 7, name: 'Ada' }, tags: ['x', 'y'] } },
      b: { args: { customer: { id: 8 }, tags: [] } },
      c: { args: { id: 7 } },
      d: { args: [{ id: 7 }] },
    });
    const kinds = async (args: object): Promise<string[]> => kindsOf(await list({ args }));
    expect(await kinds({ customer: { id: 7 } })).toEqual(['a']);
    expect(await kinds({ customer: {} })).toEqual(['a', 'b']);
    expect(await kinds({ tags: ['y'] })).toEqual(['a']);
    expect(await kinds({ id: 7n })).toEqual(['c']);
    expect(await kinds({ id: null })).toEqual([]);
    expect(await kinds(new Numbered(7))).toEqual(['c']);
    expect(await kinds({ "'": '"' })).toEqual([]);
    const { jobs } = await client.river.jobDeleteMany({ args: { customer: {} }, kinds: ['b'] });
    expect(jobs.map(({ kind }) => kind)).toEqual(['b']);
  });

  test('of args take no operator that somebody has planted in front', async () => {
    await plant({ a: { args: { id: 1 } }, b: {} });
    await queryAll(
      client.database,
      `create function never(jsonb, jsonb) returns boolean language sql as 'select false';
       create operator public.@> (leftarg = jsonb, rightarg = jsonb, function = never)`,
    );
    try {
      await client.dataSource.query('set search_path to public, pg_catalog');
      expect(kindsOf(await list({ args: { id: 1 } }))).toEqual(['a']);
    } finally {
      await client.dataSource.query('reset search_path');
      await queryAll(
        client.database,
        'drop operator public.@> (jsonb, jsonb); drop function never',
      );
    }
  });

  test('of times take what is from one moment on and before another', async () => {
    const times = ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.001Z', '2020-01-01T00:00:00.002Z'];
    const jobs = times.map((time, n): [string, PlantedJob] => [
      `at_${n}`,
      {
        state: 'completed',
        created_at: time,
        attempted_at: time,
        scheduled_at: time,
        finalized_at: time,
      },
    ]);
    await plant({ ...Object.fromEntries(jobs), never: {} });
    const [from, to] = [new Date(times[1] ?? ''), new Date(times[2] ?? '')];
    for (const name of ['createdAt', 'attemptedAt', 'scheduledAt', 'finalizedAt'] as const) {
      expect(kindsOf(await list({ [name]: { from, to } }))).toEqual(['at_1']);
      expect(kindsOf(await list({ [name]: { from } }))).toEqual(['at_1', 'at_2']);
      expect(kindsOf(await list({ [name]: { to: from } }))).toContain('at_0');
    }
    expect(kindsOf(await list({ finalizedAt: { to } }))).toEqual(['at_0', 'at_1']);
  });

  test('hold together, and hold text that looks like SQL for text', async () => {
    await plant({ a: { queue: 'q', tags: ["it's", 'b,c'] }, b: { queue: 'q' } });
    expect(kindsOf(await list({ queues: ['q'], tagsAll: ['b,c', "it's"] }))).toEqual(['a']);
    expect(kindsOf(await list({ kinds: ["a' or true --", '{a}'] }))).toEqual([]);
    expect(kindsOf(await list({ metadata: { "'": '"' } }))).toEqual([]);
  });
});

describe('the order', () => {
  test('by finalizedAt lists jobs that have ended, the others never', async () => {
    await plant({
      early: { state: 'cancelled', finalized_at: '2020-01-01T00:00:00.000001Z' },
      late: { state: 'completed', finalized_at: '2020-01-01T00:00:00.000002Z' },
      going: {},
    });
    expect(kindsOf(await list({ orderBy: 'finalizedAt' }))).toEqual(['early', 'late']);
    const latest = await list({ orderBy: 'finalizedAt', sortOrder: 'desc', states: ['completed'] });
    expect(kindsOf(latest)).toEqual(['late']);
  });

  test('by time takes the time that fits the first state', async () => {
    await plant({
      first: { state: 'running', attempted_at: '2020-01-01', scheduled_at: '2020-01-02' },
      second: { state: 'available', attempted_at: '2020-01-02', scheduled_at: '2020-01-01' },
      never: { state: 'available', attempted_at: null, scheduled_at: '2020-01-03' },
    });
    const by = async (states: JobState[] | undefined, sortOrder: 'asc' | 'desc') =>
      kindsOf(await list({ orderBy: 'time', states, sortOrder }));
    expect(await by(['running', 'available'], 'asc')).toEqual(['first', 'second', 'never']);
    expect(await by(['running', 'available'], 'desc')).toEqual(['never', 'second', 'first']);
    expect(await by(['available', 'running'], 'asc')).toEqual(['second', 'first', 'never']);
    expect(await by(undefined, 'desc')).toEqual(['never', 'first', 'second']);
  });

  test('goes on behind times that no Date holds', async () => {
    const times = ['-infinity', '4714-11-24 00:00+00 BC', '0044-03-15 00:00 BC', '0001-02-28'];
    times.push('2020-02-29', '200000-02-29', '294276-12-31 23:59:59.999999+00', 'infinity');
    await plantJobs(
      client.database,
      times.map((time, n) => ({ kind: `k${n}`, scheduled_at: time })),
    );
    for (const sortOrder of ['asc', 'desc'] as const) {
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await list({ orderBy: 'scheduledAt', sortOrder, first: 1, after });
        listed.push(...kindsOf(page));
        after = page.lastCursor;
      } while (after !== undefined);
      const kinds = times.map((_time, n) => `k${n}`);
      expect(listed).toEqual(sortOrder === 'asc' ? kinds : kinds.reverse());
    }
  });
});

const ORDERS: readonly JobListParams[] = (
  ['id', 'scheduledAt', 'finalizedAt', 'time'] as const
).flatMap((orderBy: JobListOrderBy) =>
  (['asc', 'desc'] as const).map((sortOrder) => ({ orderBy, sortOrder })),
);

describe('pages', () => {
  test.each(ORDERS)('%p miss and repeat nothing while others insert and delete', async (order) => {
    const states = ['completed', 'cancelled'] as const;
    const job = (n: number): PlantedJob => ({
      kind: 'there',
      state: states[n % 2] ?? 'completed',
      scheduled_at: `2020-01-01T00:00:0${n % 3}Z`,
      finalized_at: `2020-01-01T00:00:0${n % 4}Z`,
    });
    const there = await plantJobs(
      client.database,
      Array.from({ length: 120 }, (_, n) => job(n)),
    );
    const kept = there.filter((_id, n) => n % 4 !== 0);
    const going = there.filter((_id, n) => n % 4 === 0);
    const params = { ...order, states, first: 10 };
    const listed: string[] = [];
    let pages = 0;
    let after: string | undefined;
    do {
      const page = await list({ ...params, after });
      listed.push(...page.jobs.map(({ id }) => id));
      after = page.lastCursor;
      // Among the pages to come and those gone by; the cursor's own job may be among the deleted.
      await plantJobs(
        client.database,
        Array.from({ length: (pages += 1) < 15 ? 4 : 0 }, (_, n) => ({ ...job(n), kind: 'new' })),
      );
      const last = page.jobs.at(-1)?.id;
      const doomed = [
        ...going.splice(0, 3),
        ...(last !== undefined && !kept.includes(last) ? [last] : []),
      ];
      await queryAll(client.database, 'delete from river_job where id = any ($1)', [
        doomed.map(String),
      ]);
    } while (after !== undefined);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.filter((id) => kept.includes(id)).length).toBe(kept.length);
  });

  test('go on behind a job that is deleted', async () => {
    const ids = await plantJobs(
      client.database,
      Array.from({ length: 6 }, () => ({})),
    );
    const { lastCursor } = await list({ first: 3 });
    await queryAll(client.database, 'delete from river_job where id = $1', [String(ids[2])]);
    expect((await list({ after: lastCursor })).jobs.map(({ id }) => id)).toEqual(ids.slice(3));
  });

  test('may be of other sizes, and the filters in another order', async () => {
    const ids = await plantJobs(
      client.database,
      Array.from({ length: 6 }, () => ({})),
    );
    const states = ['available', 'running'] as const;
    const { lastCursor } = await list({ first: 2, states, kinds: ['planted', 'x'] });
    const page = await list({
      kinds: ['x', 'planted', 'x'],
      after: lastCursor,
      states: ['running', 'available'],
      first: 3,
      queues: undefined,
    });
    expect(page.jobs.map(({ id }) => id)).toEqual(ids.slice(2, 5));
  });

  test.each<[string, JobListParams, JobListParams]>([
    ['another filter', {}, { states: ['available'] }],
    ['a filter less', { kinds: ['planted'] }, {}],
    ['another value', { queues: ['default'] }, { queues: ['other'] }],
    ['the other direction', {}, { sortOrder: 'desc' }],
    ['another order', {}, { orderBy: 'scheduledAt' }],
    [
      'another time by the states',
      { orderBy: 'time', states: ['available', 'running'] },
      { orderBy: 'time', states: ['running', 'available'] },
    ],
  ])('refuse a cursor of a query with %s', async (_what, before, now) => {
    await plantJobs(client.database, [{}, {}]);
    const { lastCursor } = await list(before);
    expect(lastCursor).toEqual(expect.any(String));
    await expect(list({ ...now, after: lastCursor })).rejects.toMatchObject({
      name: 'InvalidParamsError',
      code: 'RIVER_INVALID_CURSOR',
      field: 'after',
      message: expect.stringMatching(/belongs to another query/) as unknown,
    });
    expect((await list({ ...before, after: lastCursor })).jobs).toEqual([]);
  });
});
