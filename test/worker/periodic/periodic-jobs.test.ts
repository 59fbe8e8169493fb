import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { InsertManyParams, JobArgs, jobArgs, type RiverClient } from 'nestjs-river';
import type { PeriodicJob } from '../../../lib/worker/periodic/periodic-job.js';
import { PeriodicJobs } from '../../../lib/worker/periodic/periodic-jobs.js';
import type { Schedule } from '../../../lib/worker/periodic/schedule.js';
import { startClient, type StartedClient } from '../../client/started-client.js';
import { connect, queryAll } from '../../support/index.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

@JobArgs('close_month', { metadata: { of: 'the month' }, queue: 'accounts' })
class CloseMonth {
  constructor(readonly month: string) {}
}

@JobArgs('once', { uniqueOpts: { byArgs: true } })
class Once {
  readonly a = 1;
}

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient();
  river = client.river;
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await queryAll(client.database, 'truncate river_job; drop table if exists nestjs_river_periodic');
  jest.restoreAllMocks();
});
afterAll(() => client.stop());

interface Process {
  readonly worker: OpenedWorker;
  readonly periodic: PeriodicJobs;
  stop(): Promise<void>;
}

async function startProcess(...jobs: PeriodicJob[]): Promise<Process> {
  const worker = await openWorker(client.database);
  const periodic = new PeriodicJobs(worker.core, { client: river, jobs });
  const stop = async (): Promise<void> => {
    await periodic.stop();
    await worker.close();
  };
  try {
    await periodic.start();
  } catch (error) {
    await worker.close();
    throw error;
  }
  const process = { worker, periodic, stop };
  closing.push(stop);
  return process;
}

/** Due at these times. */
function at(...times: number[]): Schedule {
  return {
    nextAfter(time) {
      const next = times.find((each) => each > time.getTime());
      return next === undefined ? undefined : new Date(next);
    },
  };
}

/** Due so many milliseconds after it is first asked, which a process does at its start. */
class Soon implements Schedule {
  readonly #delays: readonly number[];
  #schedule: Schedule | undefined;
  dues: readonly number[] = [];

  constructor(...delays: number[]) {
    this.#delays = delays;
  }

  nextAfter(time: Date): Date | undefined {
    if (this.#schedule === undefined) {
      this.dues = this.#delays.map((delay) => time.getTime() + delay);
      this.#schedule = at(...this.dues);
    }
    return this.#schedule.nextAfter(time);
  }

  get first(): number {
    return this.dues[0] ?? 0;
  }
}

function job(schedule: Schedule, given: Partial<PeriodicJob> = {}): PeriodicJob {
  const make = (time: Date): CloseMonth => new CloseMonth(time.toISOString());
  return { id: 'month-end', schedule, runOnStart: false, make, ...given };
}

async function databaseNow(): Promise<number> {
  const [row] = await queryAll<{ now: string }>(
    client.database,
    `select floor(extract(epoch from clock_timestamp()) * 1000)::text as now`,
  );
  return Number(row?.now);
}

interface Row {
  readonly args: object;
  readonly metadata: object;
  readonly state: string;
  readonly due: string;
}

async function rows(): Promise<Row[]> {
  return await queryAll<Row>(
    client.database,
    `select args, metadata, state, (extract(epoch from scheduled_at) * 1000)::float8 as due
    from river_job order by id`,
  );
}

async function untilRows(count: number): Promise<Row[]> {
  for (;;) {
    const found = await rows();
    if (found.length >= count) return found;
    await pause(20);
  }
}

async function untilDealtWith(due: number): Promise<void> {
  for (;;) {
    const found = await queryAll(
      client.database,
      `select from nestjs_river_periodic where due_at >= to_timestamp($1::float8 / 1000)`,
      [due],
    );
    if (found.length > 0) return;
    await pause(20);
  }
}

describe('A periodic job', () => {
  test('is inserted at its time as by a client of Go', async () => {
    const soon = new Soon(300);
    await startProcess(job(soon));
    const [row] = await untilRows(1);
    const due = soon.first;

    expect(row).toEqual({
      args: { month: new Date(due).toISOString() },
      metadata: { periodic: true, 'river:periodic_job_id': 'month-end', of: 'the month' },
      state: 'available',
      due,
    });
    expect(await databaseNow()).toBeGreaterThanOrEqual(due);
    const all = await queryAll(
      client.database,
      `select queue, max_attempts, priority, unique_key, unique_states, tags, attempt, created_at >= scheduled_at as after
      from river_job`,
    );
    expect(all).toEqual([
      {
        queue: 'accounts',
        max_attempts: 25,
        priority: 1,
        unique_key: null,
        unique_states: null,
        tags: [],
        attempt: 0,
        after: true,
      },
    ]);
  });

  test('notifies the workers of its queue', async () => {
    const listener = await connect(client.database);
    closing.push(() => listener.end());
    await listener.query('LISTEN "public.river_insert"');
    const heard = new Promise((resolve) =>
      listener.on('notification', ({ payload }) => resolve(JSON.parse(payload ?? ''))),
    );
    await startProcess(job(new Soon(50)));

    expect(await heard).toEqual({ queue: 'accounts' });
  });

  test('may be made with options of its own, and later than its time', async () => {
    const scheduledAt = new Date((await databaseNow()) + 3_600_000);
    const make = () =>
      InsertManyParams.of(jobArgs('plain', { a: 1 }), { scheduledAt, tags: ['accounts'] });
    await startProcess(job(new Soon(50), { make }));

    expect(await untilRows(1)).toMatchObject([
      { args: { a: 1 }, state: 'scheduled', due: scheduledAt.getTime() },
    ]);
  });

  test('is left out for a time for which nothing is made, in every process', async () => {
    const soon = new Soon(200);
    const make = () => null;
    for (let count = 0; count < 2; count++) await startProcess(job(soon, { make }));
    await untilDealtWith(soon.first);

    expect(await rows()).toEqual([]);
  });

  test('is skipped when an equal unique job is there', async () => {
    const { job: first } = await river.insert(new Once());
    const soon = new Soon(100);
    await startProcess(job(soon, { make: () => new Once() }));
    await untilDealtWith(soon.first);

    const found = await queryAll(client.database, 'select id::text from river_job');
    expect(found).toEqual([{ id: first.id }]);
  });

  test('that cannot be made is logged, and made again at its next time', async () => {
    const logged: string[] = [];
    jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((text: string) => void logged.push(text));
    const soon = new Soon(100, 1_000);
    const make = (time: Date): CloseMonth => {
      if (time.getTime() === soon.first) throw new Error('no month');
      return new CloseMonth('2026-05');
    };
    await startProcess(job(soon, { make }));

    expect(await untilRows(1)).toMatchObject([{ due: soon.dues[1] }]);
    expect(logged).toEqual([
      "Periodic job 'month-end' was not inserted this time: Error: no month",
    ]);
  });
});

test('The stop does not wait for what makes a job', async () => {
  let isMaking = false;
  const make = (): Promise<null> => {
    isMaking = true;
    return new Promise(() => undefined);
  };
  const process = await startProcess(job(new Soon(50), { make }));
  while (!isMaking) await pause(5);
  await process.stop();

  expect(await rows()).toEqual([]);
});

describe('In a fleet, a periodic job', () => {
  test('is inserted once for each time, whoever stops', async () => {
    const delays = Array.from({ length: 5 }, (_, place) => 500 + place * 1_000);
    const [soon, others] = [new Soon(...delays), new Soon(...delays.map((delay) => delay + 70))];
    const both = () => [job(soon), job(others, { id: 'other', make: () => jobArgs('other', {}) })];
    const processes = await Promise.all(Array.from({ length: 4 }, () => startProcess(...both())));
    await untilDealtWith(soon.dues[1] ?? 0);
    await processes[0]?.stop();
    await untilDealtWith(soon.dues[3] ?? 0);
    await processes[1]?.stop();
    await untilRows(10);
    await pause(300);

    const found = (await rows()).map(({ due }) => due).sort();
    expect(found).toEqual([...soon.dues, ...others.dues].sort());
  });

  test('is not inserted again once it is retried, done and deleted', async () => {
    const soon = new Soon(100);
    const first = await startProcess(job(soon));
    await untilRows(1);
    await first.stop();
    await queryAll(client.database, 'delete from river_job');
    const later = (await databaseNow()) + 700;
    await startProcess(job(at(soon.first, later)));

    expect(await untilRows(1)).toMatchObject([{ due: later }]);
  });

  test('is inserted by another process when the one that took its time is lost', async () => {
    const soon = new Soon(2_000);
    // A process that took the time, and whose connection is lost before its COMMIT.
    const lost = await openWorker(client.database);
    closing.push(() => lost.close());
    await startProcess(job(soon));
    const due = soon.first;
    const runner = lost.database.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query(
      `update nestjs_river_periodic set due_at = to_timestamp($1::float8 / 1000)`,
      [due],
    );
    while ((await databaseNow()) < due + 100) await pause(20);
    expect(await rows()).toEqual([]);
    await runner.rollbackTransaction();
    await runner.release();

    expect(await untilRows(1)).toMatchObject([{ due }]);
  });

  test('is inserted for the last time that passed while no process ran, of the last 5 minutes', async () => {
    const first = await startProcess(job(new Soon(50)));
    await untilRows(1);
    await first.stop();
    const now = await databaseNow();
    await queryAll(client.database, `update nestjs_river_periodic set due_at = '2020-01-01'`);
    await queryAll(client.database, 'delete from river_job');
    await startProcess(job(at(now - 400_000, now - 20_000, now - 10_000, now + 3_600_000)));

    expect(await untilRows(1)).toMatchObject([{ due: now - 10_000 }]);
  });

  test('is not inserted for times before it was known to the fleet', async () => {
    const soon = new Soon(-1_000, 300);
    await startProcess(job(soon));

    expect(await untilRows(1)).toMatchObject([{ due: soon.dues[1] }]);
  });
});

describe('A job that is run at the start', () => {
  test('is inserted once for processes that start together, and at its times', async () => {
    const soon = new Soon(1_000);
    const jobs = () => job(soon, { runOnStart: true });
    await Promise.all(Array.from({ length: 4 }, () => startProcess(jobs())));
    await startProcess(jobs());
    const [first, second] = await untilRows(2);
    await pause(100);

    expect(first).toMatchObject({ state: 'available', metadata: { periodic: true } });
    expect(second).toMatchObject({ due: soon.first });
    expect(await rows()).toHaveLength(2);
  });

  test('is inserted again for a later start', async () => {
    const jobs = () => job(at(), { runOnStart: true });
    await startProcess(jobs());
    await untilRows(1);
    await queryAll(
      client.database,
      `update nestjs_river_periodic set started_at = now() - interval '61 seconds'`,
    );
    await startProcess(jobs());

    expect(await untilRows(2)).toHaveLength(2);
  });
});
