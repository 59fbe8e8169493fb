import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  JOB_STATES,
  type JobDeleteManyParams,
  type JobListOrderBy,
  type JobListParams,
  type JobState,
} from 'nestjs-river';
import { plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import { comparableGo, comparableOurs, type GoRow } from './support/agreement.js';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';

const FINAL: readonly JobState[] = ['cancelled', 'completed', 'discarded'];
const GO_ORDER = {
  id: 'id',
  scheduledAt: 'scheduled_at',
  finalizedAt: 'finalized_at',
  time: 'time',
} as const;

/** Times that repeat, and differ by microseconds. */
const time = (n: number): string => `2020-01-01T00:00:0${n % 4}.00000${n % 3}Z`;

/** Ten of each state, of all sorts, under the same ids wherever they are planted. */
const JOBS: readonly PlantedJob[] = Array.from({ length: 80 }, (_, n) => {
  const state = JOB_STATES[n % 8] ?? 'available';
  return {
    id: 1_000 + n,
    state,
    kind: `kind_${n % 3}`,
    queue: `queue_${n % 5}`,
    priority: 1 + (n % 4),
    tags: [['red'], ['red', 'blue'], []][n % 3] ?? [],
    metadata: { tenant: n % 4, deep: { flag: n % 2 === 0 } },
    scheduled_at: time(n * 7),
    attempted_at: n % 5 === 0 ? null : time(n * 5),
    finalized_at: FINAL.includes(state) ? time(n * 3) : null,
  };
});

interface GoPage {
  readonly jobs: readonly GoRow[];
  readonly lastCursor: string;
}

/** Our parameters in Go's words; ids as numbers. */
function goParams({
  orderBy,
  sortOrder,
  metadata,
  after: _,
  ...filters
}: JobListParams): Record<string, unknown> {
  return {
    ...filters,
    orderBy: orderBy && GO_ORDER[orderBy],
    descending: sortOrder === 'desc',
    metadata: metadata && JSON.stringify(metadata),
  };
}

const FILTERS: Record<string, JobListParams> = {
  'no filter': {},
  ids: { ids: [1_003, 1_001, 1_079, 5, 1_001] },
  kinds: { kinds: ['kind_2', 'kind_0'] },
  queues: { queues: ['queue_3'] },
  priorities: { priorities: [4, 1] },
  'a tag that all have': { tagsAll: ['red'] },
  'two tags that all have': { tagsAll: ['blue', 'red'] },
  'tags of which one is enough': { tagsAny: ['blue', 'green'] },
  metadata: { metadata: { tenant: 1 } },
  'metadata within metadata': { metadata: { deep: { flag: true } } },
  'several at once': { kinds: ['kind_1'], priorities: [1, 2], tagsAll: ['red'] },
};

const STATES: readonly (readonly JobState[] | undefined)[] = [
  undefined,
  ...JOB_STATES.map((state) => [state]),
  ['running', 'available'],
  ['available', 'running'],
  ['completed', 'available'],
  ['discarded', 'completed'],
  FINAL,
  JOB_STATES,
  [...JOB_STATES].reverse(),
];

const ORDERS = Object.keys(GO_ORDER) as JobListOrderBy[];

describeWithGo('jobList and jobDeleteMany', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  beforeEach(async () => {
    await sides.rows.clear(...SCHEMAS);
    for (const schema of SCHEMAS) await plantJobs({ ...sides.database, schema }, JOBS);
  });

  /** All pages of a list of Go's, each seven jobs. */
  async function gosPages(schema: string, params: JobListParams): Promise<string[][]> {
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const request = { schema, ...goParams(params), first: 7, after };
      const page: GoPage = await sides.go.ask('jobList', request);
      pages.push(page.jobs.map(({ id }) => id));
      after = page.lastCursor;
    } while (after !== '');
    return pages;
  }

  async function ourPages(
    schema: (typeof SCHEMAS)[number],
    params: JobListParams,
  ): Promise<string[][]> {
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await sides.river(schema).jobList({ ...params, first: 7, after });
      pages.push(page.jobs.map(({ id }) => String(id)));
      after = page.lastCursor;
    } while (after !== undefined);
    return pages;
  }

  describe.each(ORDERS)('by %s', (orderBy) => {
    describe.each(['asc', 'desc'] as const)('%s', (sortOrder) => {
      const allowed = STATES.filter(
        (states) =>
          orderBy !== 'finalizedAt' ||
          (states ?? []).every((state) => (FINAL as readonly unknown[]).includes(state)),
      );

      test.each(allowed.map((states) => ({ states })))(
        'lists the pages of Go, of the states $states',
        async ({ states }) => {
          const params = { orderBy, sortOrder, states };
          const pages = await ourPages('public', params);
          expect(pages).toEqual(await gosPages('public', params));
          expect(pages.flat().length).toBe(
            (states ?? (orderBy === 'finalizedAt' ? FINAL : JOB_STATES)).length * 10,
          );
        },
      );

      test.each(Object.entries(FILTERS))('lists the pages of Go, by %s', async (_name, filters) => {
        const params = { orderBy, sortOrder, ...filters };
        const pages = await ourPages('other_river', params);
        expect(pages.flat()).not.toEqual([]);
        expect(pages).toEqual(await gosPages('other_river', params));
      });
    });
  });

  test('the rows are those of Go', async () => {
    const { jobs } = await sides.river('public').jobList();
    const gos: GoPage = await sides.go.ask('jobList', { schema: 'public' });
    expect(jobs.map(comparableOurs)).toEqual(gos.jobs.map(comparableGo));
    expect(jobs).toHaveLength(80);
  });

  test('both refuse to order jobs that are not done by their end', async () => {
    const params: JobListParams = { orderBy: 'finalizedAt', states: ['completed', 'running'] };
    await expect(sides.river('public').jobList(params)).rejects.toThrow('running');
    await expect(sides.go.ask('jobList', goParams(params))).rejects.toThrow('running');
  });

  const DELETIONS: Record<string, JobDeleteManyParams> = {
    'of all': { unsafeAll: true },
    'of all, no more than nine': { unsafeAll: true, first: 9 },
    'by ids, of which one runs and one is not there': { ids: [1_079, 1_006, 1_002, 7] },
    'by kinds': { kinds: ['kind_1'] },
    'by priorities and queues': { priorities: [2, 3], queues: ['queue_0', 'queue_4'] },
    'of a final state': { states: ['completed'], first: 4 },
    'of states that are not done': { states: ['available', 'running', 'retryable'] },
    'of what runs': { states: ['running'] },
  };

  test.each(Object.entries(DELETIONS))('a deletion %s is that of Go', async (_name, params) => {
    const { jobs } = await sides.river('public').jobDeleteMany(params);
    const gos: GoPage = await sides.go.ask('jobDeleteMany', { schema: 'other_river', ...params });
    expect(jobs.map((job) => String(job.id))).toEqual(gos.jobs.map(({ id }) => id));
    expect(jobs.map(comparableOurs)).toEqual(gos.jobs.map(comparableGo));
    expect(await sides.rows.all('public')).toEqual(await sides.rows.all('other_river'));
    expect(await sides.rows.count('public')).toBe(80 - jobs.length);
  });

  test.each<JobDeleteManyParams>([{}, { first: 5 }])(
    'both refuse the deletion %p',
    async (params) => {
      await expect(sides.river('public').jobDeleteMany(params)).rejects.toThrow('filter');
      await expect(sides.go.ask('jobDeleteMany', { ...params })).rejects.toThrow('no filters');
      expect(await sides.rows.count('public')).toBe(80);
    },
  );
});
