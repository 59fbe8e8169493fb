import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { AttemptCancelledError, WorkerStoppingError } from '../../../lib/errors/worker-errors.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { plantJob, plantJobs } from '../../administration/planted-jobs.js';
import { Gate, handler, OpenedQueues, type QueuesOptions } from './opened-queue.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => queryAll(database, 'truncate river_job, river_queue'));

let queues: OpenedQueues;
afterEach(() => queues.close());

async function open(options: QueuesOptions): Promise<OpenedQueues> {
  return (queues = await OpenedQueues.open(database, options));
}

const planted = (count: number): Promise<string[]> =>
  plantJobs(
    database,
    Array.from({ length: count }, () => ({})),
  );

/** Holds a table while `work` runs, and returns what lets go of it. */
async function lock(table: string): Promise<() => Promise<void>> {
  const client = await connect(database);
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  return () => client.end();
}

async function untilBlocked(): Promise<void> {
  for (;;) {
    const rows = await queryAll(
      database,
      `select from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}

const ignore = (): void => undefined;

test('works everything that is there without waiting for the cooldown or a poll', async () => {
  await open({ handlers: [handler('planted', ignore)] });
  await planted(50);
  await queues.make('default', { maxWorkers: 3, fetchCooldownMs: 3_600_000 }).start();
  await queues.whenEnded(50);
  const rows = await queryAll(database, `select from river_job where state <> 'completed'`);
  expect(rows).toEqual([]);
});

test('a queue that is paused starts paused, and claims at resume', async () => {
  await open({ handlers: [handler('planted', ignore)] });
  await planted(1);
  await queryAll(
    database,
    `insert into river_queue (name, paused_at, updated_at) values ('default', now(), now())`,
  );
  const queue = queues.make('default');
  await queue.start();
  expect(queue.isPaused).toBe(true);
  queue.control({ action: 'resume', queue: 'another' });
  expect(queue.isPaused).toBe(true);
  queue.control({ action: 'resume', queue: '*' });
  await queues.whenEnded(1);
});

test('a pause that arrives while the row of the queue is read holds', async () => {
  await open({ handlers: [handler('planted', ignore)] });
  const queue = queues.make('default');
  const unlock = await lock('river_queue');
  const started = queue.start();
  await untilBlocked();
  queue.control({ action: 'pause', queue: 'default' });
  await unlock();
  await started;
  expect(queue.isPaused).toBe(true);
});

test('cancels the job that is running, in its own queue only', async () => {
  const began = new Gate();
  const work = async ({ signal }: WorkedJob): Promise<void> => {
    began.open();
    await new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    );
  };
  await open({ handlers: [handler('planted', work)] });
  const jobId = await plantJob(database, {});
  const queue = queues.make('default');
  await queue.start();
  await began.passed;
  queue.control({ action: 'cancel', queue: '*', jobId });
  queue.control({ action: 'cancel', queue: 'default', jobId });
  await queues.whenEnded(1);
  expect(queues.events).toMatchObject([{ type: 'cancelled', job: { id: jobId } }]);
});

test('remembers a cancellation that arrives during the claim', async () => {
  const reasons: unknown[] = [];
  await open({ handlers: [handler('planted', ({ signal }) => void reasons.push(signal.reason))] });
  const jobId = await plantJob(database, {});
  const queue = queues.make('default');
  const unlock = await lock('river_job');
  await queue.start();
  await untilBlocked();
  queue.control({ action: 'cancel', queue: 'default', jobId });
  await unlock();
  await queues.whenEnded(1);
  expect(reasons).toEqual([expect.any(AttemptCancelledError)]);
});

test('finds cancellations by polling where nobody listens', async () => {
  const began = new Gate();
  const work = async ({ signal }: WorkedJob): Promise<void> => {
    began.open();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    throw new Error('aborted');
  };
  await open({ handlers: [handler('planted', work)], listens: false });
  await plantJob(database, {});
  await queues.make('default').start();
  await began.passed;
  await queryAll(
    database,
    `update river_job set metadata = metadata || '{"cancel_attempted_at": "2020-01-01T00:00:00Z"}'`,
  );
  await queues.whenEnded(1);
  expect(queues.events).toMatchObject([{ type: 'cancelled' }]);
});

test('works the jobs of a claim that was under way when it was stopped', async () => {
  await open({ handlers: [handler('planted', ignore)] });
  await planted(2);
  const queue = queues.make('default');
  const unlock = await lock('river_job');
  await queue.start();
  await untilBlocked();
  const stopped = queue.stopClaiming();
  await unlock();
  await stopped;
  await queue.whenIdle();
  expect(queues.events.map(({ type }) => type)).toEqual(['completed', 'completed']);
});

test('gives back what a claim finds after all attempts were aborted', async () => {
  const work = ({ signal }: WorkedJob): void => signal.throwIfAborted();
  await open({ handlers: [handler('planted', work)] });
  await planted(1);
  const queue = queues.make('default');
  const unlock = await lock('river_job');
  await queue.start();
  await untilBlocked();
  const stopped = queue.stopClaiming();
  queue.abortAll(new WorkerStoppingError());
  await unlock();
  await stopped;
  await queue.whenIdle();
  expect(queues.events).toMatchObject([{ type: 'interrupted', job: { attempt: 0 } }]);
});

test('a job can be copied and printed with all its columns', async () => {
  const seen: unknown[] = [];
  const work = (job: WorkedJob): void => {
    seen.push(JSON.parse(JSON.stringify(job)), { ...job.toJSON() });
  };
  await open({ handlers: [handler('planted', work)] });
  await plantJob(database, { args: { a: 1 }, tags: ['x'], metadata: { m: 1 }, priority: 2 });
  await queues.make('default').start();
  await queues.whenEnded(1);
  const columns = { args: { a: 1 }, attempt: 1, attemptedBy: ['test'], metadata: { m: 1 } };
  expect(seen).toMatchObject([columns, columns]);
});

test('a job worked in the place of a stuck one is not in its async context', async () => {
  const context = new AsyncLocalStorage<string>();
  const second = new Gate();
  const found: unknown[] = [];
  await open({
    handlers: [
      handler('planted', async () => {
        if (found.length === 1) await second.passed;
        else second.open();
      }),
    ],
    options: { jobTimeoutMs: 1, stuckAfterMs: 1, onStuck: () => 'addSlot' },
    middleware: [
      {
        around: (job, next) => {
          found.push(context.getStore());
          return context.run(`of job ${job.id}`, next);
        },
      },
    ],
  });
  await planted(2);
  await queues.make('default', { maxWorkers: 1 }).start();
  // The stuck event, and both ends.
  await queues.whenEnded(3);
  expect(found).toEqual([undefined, undefined]);
});
