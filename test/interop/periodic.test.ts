import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs, type InsertOptions } from 'nestjs-river';
import type { PeriodicJob } from '../../lib/worker/periodic/periodic-job.js';
import { PeriodicJobs } from '../../lib/worker/periodic/periodic-jobs.js';
import { everyMs } from '../../lib/worker/periodic/schedule.js';
import { queryAll } from '../support/index.js';
import { openWorker } from '../worker/worker-core.js';
import { describeWithGo } from './support/toolchain.js';
import { useTwoSides, type TwoSides } from './support/two-sides.js';

const GO = 'public';
const OURS = 'other_river';
const KIND = 'periodic';
const EVERY_MS = 2_000;
const LIMIT_MS = 120_000;

/** Nobody works them. */
const QUEUE = 'elsewhere';

const OPTIONS: Readonly<Record<string, InsertOptions<{ id: string }>>> = {
  plain: {},
  'all-options': { priority: 3, tags: ['nightly'], maxAttempts: 7, metadata: { of: 'month' } },
  'own-time': { scheduledAt: new Date('2099-01-01T00:00:00Z') },
  pending: { pending: true },
  unique: { uniqueOpts: { byArgs: true, byQueue: true } },
  'metadata-of-river': { metadata: { periodic: 'no', 'river:periodic_job_id': 7 } },
};

describeWithGo('periodic jobs', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await sides.rows.clear(GO, OURS);
  });

  async function startOurs(schema: 'public' | 'other_river', jobs: readonly PeriodicJob[]) {
    const worker = await openWorker(sides.database, { schema });
    closing.push(() => worker.close());
    const periodic = new PeriodicJobs(worker.core, { client: sides.river(schema), jobs });
    await periodic.start();
    closing.push(() => periodic.stop());
  }

  async function startGo(periodic: readonly object[]): Promise<string> {
    const request = { schema: GO, kinds: [KIND], queues: { idle: 1 }, periodic };
    const { worker } = await sides.go.ask<{ worker: string }>('work', request);
    return worker;
  }

  async function duesOf(schema: string, id: string): Promise<number[]> {
    const rows = await queryAll<{ due: number }>(
      sides.database,
      `select (extract(epoch from scheduled_at) * 1000)::float8 as due from "${schema}".river_job
      where metadata ->> 'river:periodic_job_id' = $1 order by 1`,
      [id],
    );
    return rows.map(({ due }) => due);
  }

  test(
    'are inserted with the same rows',
    async () => {
      const given = Object.entries(OPTIONS).map(([id, opts]) => ({
        id,
        opts: { ...opts, queue: QUEUE },
      }));
      const go = await startGo(
        given.map(({ id, opts }) => ({
          id,
          everyMs: 3_600_000,
          runOnStart: true,
          job: {
            kind: KIND,
            encodedArgs: JSON.stringify({ id }),
            opts: { ...opts, metadata: opts.metadata && JSON.stringify(opts.metadata) },
          },
        })),
      );
      await startOurs(
        OURS,
        given.map(({ id, opts }) => ({
          id,
          schedule: everyMs(3_600_000),
          runOnStart: true,
          make: () => InsertManyParams.of(jobArgs(KIND, { id }), opts),
        })),
      );
      const rowsOf = (schema: string): Promise<unknown[]> =>
        queryAll(
          sides.database,
          `select args, attempt, attempted_at, attempted_by, errors, finalized_at, kind, max_attempts,
            metadata, priority, queue, state::text, tags, unique_key, unique_states,
            case when scheduled_at > '2090-01-01' then scheduled_at end as scheduled_at,
            scheduled_at <= created_at as at_once
          from "${schema}".river_job order by args ->> 'id'`,
        );
      for (const schema of [GO, OURS])
        while ((await rowsOf(schema)).length < given.length) await sleep(50);
      await sides.go.stopWork(go);

      expect(await rowsOf(OURS)).toEqual(await rowsOf(GO));
    },
    LIMIT_MS,
  );

  test(
    'of ours are inserted once for each time, whichever client of Go leads or none',
    async () => {
      const ours: PeriodicJob = {
        id: 'ours',
        schedule: everyMs(EVERY_MS),
        runOnStart: false,
        make: () => InsertManyParams.of(jobArgs(KIND, {}), { queue: QUEUE }),
      };
      for (let count = 0; count < 2; count++) await startOurs(GO, [ours]);
      const theirs = {
        id: 'theirs',
        everyMs: EVERY_MS,
        runOnStart: true,
        job: { kind: KIND, encodedArgs: '{}', opts: { queue: QUEUE } },
      };
      for (let round = 0; round < 2; round++) {
        const before = (await duesOf(GO, 'theirs')).length;
        const go = await startGo([theirs]);
        while ((await duesOf(GO, 'theirs')).length < before + 2) await sleep(50);
        await sides.go.stopWork(go);
        const alone = (await duesOf(GO, 'ours')).length;
        while ((await duesOf(GO, 'ours')).length < alone + 1) await sleep(50);
      }
      const dues = await duesOf(GO, 'ours');

      const [first = 0] = dues;
      expect(first % EVERY_MS).toBe(0);
      expect(dues).toEqual(dues.map((_due, place) => first + place * EVERY_MS));
    },
    LIMIT_MS,
  );
});
