import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { jobCleaner, queueCleaner } from '../../../lib/worker/maintenance/cleaners.js';
import { jobRescuer } from '../../../lib/worker/maintenance/job-rescuer.js';
import { jobScheduler } from '../../../lib/worker/maintenance/job-scheduler.js';
import type { WorkerCore } from '../../../lib/worker/worker-core.js';
import type { ResolvedWorkerOptions } from '../../../lib/worker/worker-options.js';
import { plantJob, plantJobs, type PlantedJob } from '../../administration/planted-jobs.js';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

const BATCH = 10_000;
const DAY_MS = 86_400_000;

let database: TestDatabase;
let worker: OpenedWorker;
let core: WorkerCore;

beforeAll(async () => {
  database = await createTestDatabase();
  worker = await openWorker(database);
  const options = {
    jobTimeoutMs: 60_000,
    rescueAfterMs: 3_600_000,
    retention: { completedMs: DAY_MS, cancelledMs: DAY_MS, discardedMs: false },
  } as ResolvedWorkerOptions;
  core = { ...worker.core, options };
});
afterEach(async () => {
  jest.restoreAllMocks();
  await queryAll(database, 'truncate river_job; truncate river_queue');
});
afterAll(() => worker.close());

const LOST: PlantedJob = {
  state: 'running',
  attempt: 1,
  attempted_at: '2026-01-01T00:00:00Z',
  attempted_by: ['lost'],
};

async function states(): Promise<unknown> {
  const rows = await queryAll<{ state: string }>(
    database,
    'select state::text from river_job order by id',
  );
  return rows.map(({ state }) => state);
}

/** Runs SQL while the database refuses or observes changes of jobs. */
async function withTrigger(
  { when, body }: { readonly when: string; readonly body: string },
  run: () => Promise<void>,
): Promise<void> {
  await queryAll(
    database,
    `create table seen (setting text);
     create function observe() returns trigger language plpgsql as $$ begin ${body} end $$;
     create trigger observe before ${when} for each row execute function observe()`,
  );
  try {
    await run();
  } finally {
    await queryAll(database, 'drop function observe cascade; drop table seen');
  }
}

test('a job that Postgres refuses to change keeps no other from being rescued', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  const jobs = Array.from({ length: 7 }, (_, place) => ({
    ...LOST,
    kind: place === 3 ? 'refused' : 'known',
  }));
  const ids = await plantJobs(database, jobs);
  const body = `if new.kind = 'refused' then raise exception 'no'; end if; return new;`;
  await withTrigger({ when: 'update on river_job', body }, async () => {
    await jobRescuer(core, () => undefined).run(BATCH);
  });
  expect(await states()).toEqual(
    jobs.map(({ kind }) => (kind === 'refused' ? 'running' : 'retryable')),
  );
  expect(error).toHaveBeenCalledTimes(1);
  expect(error.mock.calls[0]?.[0]).toContain(`Job ${ids[3]} cannot be rescued`);
});

test.each([
  ['the scheduler', 'update', 'new', { state: 'scheduled' }, jobScheduler],
  ['the rescuer', 'update', 'new', LOST, (given: WorkerCore) => jobRescuer(given, () => undefined)],
  ['the cleaner', 'delete', 'old', { state: 'completed' }, jobCleaner],
] as const)('the server ends the statements of %s after 30 seconds', async (...given) => {
  const [, when, row, planted, service] = given;
  await plantJob(database, planted);
  const body = `insert into seen values (current_setting('statement_timeout')); return ${row};`;
  await withTrigger({ when: `${when} on river_job`, body }, async () => {
    expect(await service(core).run(BATCH)).toBe(false);
    expect(await queryAll(database, 'select setting from seen')).toEqual([{ setting: '30s' }]);
  });
  const [after] = await core.connection.run(
    { operation: 'show', text: 'show statement_timeout', name: undefined, writes: false },
    [],
  );
  expect(after).toEqual({ statement_timeout: '0' });
});

test('ended jobs and queues that a transaction holds are cleaned later, and the others at once', async () => {
  const [held] = await plantJobs(database, [{ state: 'completed' }, { state: 'cancelled' }]);
  await queryAll(
    database,
    `insert into river_queue (name, created_at, metadata, updated_at)
     select name, now(), '{}', now() - interval '25 hours' from unnest('{held,old}'::text[]) as name`,
  );
  const holder = await connect(database);
  try {
    await holder.query(`begin; select from river_job where id = ${held} for update;
      select from river_queue where name = 'held' for update`);
    await jobCleaner(core).run(BATCH);
    await queueCleaner(core).run(BATCH);
    expect(await states()).toEqual(['completed']);
    expect(await queryAll(database, 'select name from river_queue')).toEqual([{ name: 'held' }]);
    await holder.query('rollback');
  } finally {
    await holder.end();
  }
  await jobCleaner(core).run(BATCH);
  await queueCleaner(core).run(BATCH);
  expect(await states()).toEqual([]);
  expect(await queryAll(database, 'select name from river_queue')).toEqual([]);
}, 20_000);
