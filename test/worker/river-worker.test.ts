import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { jobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import {
  RiverWorker,
  RiverWorkerModule,
  type JobEvent,
  type Outcome,
  type RiverWorkerModuleOptions,
  type WorkedJob,
} from 'nestjs-river/worker';
import { silence, start, typeOrm } from '../module/applications.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';

let database: TestDatabase;
let app: INestApplicationContext;
let river: RiverClient;
let worker: RiverWorker;

/** Jobs of the kind `held` wait to be told to end. */
let held: { readonly job: WorkedJob; end(): void }[] = [];
let onHeld: () => void = () => undefined;
const works = {
  quick: (): void => undefined,
  fails: (): never => {
    throw new Error('refused');
  },
  held: async (job: WorkedJob): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      job.signal.addEventListener('abort', () => reject(job.signal.reason as Error));
      held.push({ job, end: resolve });
      onHeld();
    });
  },
  in_transaction: async (): Promise<Outcome | void> => {
    const { isActive } = app.get(RiverTransaction);
    if (isActive) throw new Error('in a transaction of whoever started the worker');
  },
};

async function begin(options: Partial<RiverWorkerModuleOptions> = {}): Promise<void> {
  app = await start([
    typeOrm(database),
    RiverModule.forRoot(),
    RiverWorkerModule.forRoot({ queues: { default: 2 }, works, ...options }),
  ]);
  river = app.get(RiverClient);
  worker = app.get(RiverWorker);
}

/** Inserts a job that waits to be told to end, and waits until it is under way. */
async function hold(opts: { readonly queue?: string } = {}): Promise<string> {
  const begun = new Promise<void>((resolve) => (onHeld = resolve));
  const { job } = await river.insert(jobArgs('held', {}), opts);
  await begun;
  return job.id;
}

async function rowOf(id: string): Promise<unknown> {
  const sql = 'select state, attempt, cardinality(errors) as errors from river_job where id = $1';
  return (await queryAll(database, sql, [id]))[0];
}

beforeAll(async () => {
  silence();
  database = await createTestDatabase();
});
beforeEach(async () => {
  held = [];
  await queryAll(database, 'truncate river_job, river_queue');
});
afterEach(() => app.close());

describe('stop()', () => {
  test('waits for jobs under way, and takes no new ones', async () => {
    await begin();
    const id = await hold();
    const stopped = worker.stop();
    expect(worker.status().isRunning).toBe(false);
    const { job: late } = await river.insert(jobArgs('quick', {}));
    held[0]?.end();
    await stopped;
    expect(await rowOf(id)).toEqual({ state: 'completed', attempt: 1, errors: null });
    expect(await rowOf(late.id)).toMatchObject({ state: 'available', attempt: 0 });
  });

  test.each([{ cancel: true }, { timeoutMs: 10 }])(
    'with %j aborts the signals of jobs, and gives back their attempts',
    async (options) => {
      await begin();
      const id = await hold();
      await worker.stop(options);
      expect(held[0]?.job.signal.reason).toMatchObject({ code: 'RIVER_WORKER_STOPPING' });
      expect(await rowOf(id)).toEqual({ state: 'available', attempt: 0, errors: null });
    },
  );

  test('with cancel cuts short a stop that is under way', async () => {
    await begin();
    const id = await hold();
    const stopped = worker.stop();
    await Promise.all([stopped, worker.stop({ cancel: true })]);
    expect(await rowOf(id)).toMatchObject({ state: 'available', attempt: 0 });
  });

  test('can be followed by another start', async () => {
    await begin();
    await worker.stop();
    await worker.stop();
    await Promise.all([worker.start(), worker.start()]);
    await expect(river.insertAndWait(jobArgs('quick', {}))).resolves.toBeDefined();
  });
});

describe('start()', () => {
  test('in a transaction has jobs worked outside of it', async () => {
    await begin({ autoStart: false });
    await app.get(RiverTransaction).run(() => worker.start());
    const { job } = await river.insertAndWait(jobArgs('in_transaction', {}));
    expect(job.errors).toEqual([]);
  });
});

describe('queues', () => {
  test('can be added and removed while it runs', async () => {
    await begin();
    await worker.addQueue('mail', 1);
    const id = await hold({ queue: 'mail' });
    expect(worker.status().queues).toEqual([
      { name: 'default', running: 0, maxWorkers: 2, isPaused: false },
      { name: 'mail', running: 1, maxWorkers: 1, isPaused: false },
    ]);
    const removed = worker.removeQueue('mail');
    held[0]?.end();
    await removed;
    expect(await rowOf(id)).toMatchObject({ state: 'completed' });
    expect(worker.status().queues).toMatchObject([{ name: 'default' }]);
    await expect(river.queueGet('mail')).resolves.toMatchObject({ name: 'mail' });
    await worker.addQueue('mail', { maxWorkers: 3 });
    expect(worker.status().queues[1]).toMatchObject({ maxWorkers: 3 });
  });

  test('cannot be added twice, nor by names that River does not take, nor to a worker that does not run', async () => {
    await begin();
    await expect(worker.addQueue('default', 1)).rejects.toThrow(
      'queues.default: the queue is worked already',
    );
    await expect(worker.addQueue('Mail', 1)).rejects.toThrow('the name of a queue has');
    await expect(worker.removeQueue('unknown')).rejects.toThrow(
      'queues.unknown: the queue is not worked',
    );
    await worker.stop();
    await expect(worker.addQueue('mail', 1)).rejects.toThrow('the worker does not run');
  });

  test('that are paused say so, and are worked again when they are resumed', async () => {
    await begin();
    await river.queuePause('default');
    while (worker.status().queues[0]?.isPaused !== true) await new Promise(setImmediate);
    const { job } = await river.insert(jobArgs('quick', {}));
    await river.queueResume('default');
    await expect(river.waitFor(job)).resolves.toMatchObject({ job: { attempt: 1 } });
  });
});

describe('events()', () => {
  test('gives what happens to jobs until the worker stops', async () => {
    await begin();
    const failures = worker.events('failed', 'discarded');
    const all = worker.events();
    await river.insertAndWait(jobArgs('fails', {}), { maxAttempts: 1 }).catch(() => undefined);
    await river.insertAndWait(jobArgs('quick', {}));
    await worker.stop();
    const types = async (events: AsyncIterable<JobEvent>): Promise<string[]> => {
      const seen: string[] = [];
      for await (const { type, job } of events) seen.push(`${type} ${job.kind} ${job.state}`);
      return seen;
    };
    await expect(types(failures)).resolves.toEqual(['discarded fails discarded']);
    await expect(types(all)).resolves.toEqual([
      'discarded fails discarded',
      'completed quick completed',
    ]);
  });
});

test.each([Infinity, -1, '5s'])('stop() rejects %p as its time limit', async (timeoutMs) => {
  await begin();
  await expect(worker.stop({ timeoutMs: timeoutMs as number })).rejects.toMatchObject({
    code: 'RIVER_INVALID_PARAMS',
    field: 'timeoutMs',
  });
  expect(worker.status().isRunning).toBe(true);
});
