import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import { queryAll } from '../support/index.js';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';

/** So many errors that the job is not due again while the test runs. */
const ERRORS = Array.from({ length: 9 }, (_, n) => ({
  at: '2020-01-01T00:00:02Z',
  attempt: n + 1,
  error: 'no',
  trace: '',
}));

const STUCK: Record<string, PlantedJob> = {
  'with attempts left': { attempt: 10, errors: ERRORS },
  'with no attempt left': { attempt: 10, max_attempts: 10, errors: ERRORS },
  'that was cancelled': { attempt: 1, metadata: { cancel_attempted_at: '2020-01-01T00:00:01Z' } },
  'that was rescued before': {
    attempt: 10,
    errors: ERRORS,
    metadata: { a: { b: 1 }, 'river:rescue_count': 4 },
  },
  'whose count is none': { attempt: 10, errors: ERRORS, metadata: { 'river:rescue_count': 'x' } },
};
const NAMES = Object.keys(STUCK);

describeWithGo("jobRescue and River's own rescuer", () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  /** The rows of a schema, in the order of {@link NAMES}, with times as what they are compared by. */
  const rows = (schema: string): Promise<object[]> =>
    queryAll(
      sides.database,
      `select state, attempt, attempted_by, max_attempts, metadata, priority, queue,
         finalized_at is null as goes_on,
         case state when 'retryable' then scheduled_at - now() between '8900 s' and '11000 s'
           else scheduled_at = '2020-01-01T00:00:00Z' end as is_scheduled,
         array(select each - 'at' from unnest(errors) as each) as errors,
         array(select (each ->> 'at')::timestamptz > now() - interval '1 min' from unnest(errors) as each) as recent
       from "${schema}".river_job order by id`,
    );

  test('leave the same row', async () => {
    const [ourSchema, goSchema] = SCHEMAS;
    const attempted_at = new Date(Date.now() - 2 * 3_600_000).toISOString();
    const jobs = NAMES.map((name) => ({
      kind: 'stuck',
      state: 'running' as const,
      attempted_at,
      attempted_by: ['dead'],
      ...STUCK[name],
    }));
    const planted = await Promise.all(
      [ourSchema, goSchema].map((schema) => plantJobs({ ...sides.database, schema }, jobs)),
    );
    for (const id of planted[0] ?? []) await sides.river(ourSchema).jobRescue(id);
    const worker = await sides.go.work({
      schema: goSchema,
      kinds: ['stuck'],
      pollIntervalMs: 1_000,
    });
    try {
      const running = `select from "${goSchema}".river_job where state = 'running'`;
      for (const end = Date.now() + 20_000; ; await sleep(50)) {
        if ((await queryAll(sides.database, running)).length === 0) break;
        if (Date.now() > end) throw new Error('the Go client rescued nothing');
      }
    } finally {
      await sides.go.stopWork(worker);
    }
    const ours = await rows(ourSchema);
    expect(ours).toEqual(await rows(goSchema));
    expect(ours).toHaveLength(NAMES.length);
    expect(ours).toMatchObject(NAMES.map(() => ({ is_scheduled: true })));
  }, 60_000);
});
