import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InsertManyParams, RiverError, type JobInsertResult, type RiverClient } from 'nestjs-river';
import { ourJob, type JobCase } from '../interop/support/job-case.js';
import { jobCases } from '../interop/support/job-arbitraries.js';
import { queryAll } from '../support/index.js';
import { INTEROP_SEED, runSize } from '../support/run-size.js';
import { refuseJobs } from './refuse-jobs.js';
import { startClient, type StartedClient } from './started-client.js';

const numBatches = runSize('COALESCE_BATCHES', { here: 100, ci: 500 });
const BEGIN = Date.parse('2026-11-21T10:00:00Z');

/** One caller: a single job, or a list, as it came from the generator. */
type Call = { readonly one: JobCase } | { readonly many: readonly JobCase[] };

/** Without those that rawJson() refuses before there is a job. */
const jobs = jobCases.map((job) => ({ ...job, unique: undefined })).filter(isJob);
const calls: fc.Arbitrary<Call> = fc.oneof(
  { weight: 3, arbitrary: jobs.map((one) => ({ one })) },
  { weight: 1, arbitrary: fc.array(jobs, { maxLength: 4 }).map((many) => ({ many })) },
);
/** A batch: the callers of one moment. */
const moments = fc.array(calls, { minLength: 1, maxLength: 12 });

function isJob(job: JobCase): boolean {
  try {
    ourJob(job);
    return true;
  } catch {
    return false;
  }
}

interface Side extends StartedClient {
  /** Calls so far: each reads the clock once, and so has a time of its own. */
  calls: number;
}

async function startSide(coalesce: false | object): Promise<Side> {
  let side: Side | undefined = undefined;
  const clock = (): Date => new Date(BEGIN + (side === undefined ? 0 : side.calls++));
  const started = await startClient({ river: { coalesce, clock, notify: false } });
  side = { ...started, calls: 0 };
  // So that some are refused by the database, and only by it.
  await refuseJobs(side.database, 'new.priority = 4', '23514');
  return side;
}

let together: Side;
let alone: Side;
beforeAll(async () => {
  together = await startSide({});
  alone = await startSide(false);
});
afterAll(async () => {
  await together.stop();
  await alone.stop();
});

function insert(river: RiverClient, call: Call): Promise<readonly JobInsertResult[]> {
  if ('one' in call) {
    const { args, opts } = ourJob(call.one);
    return river.insert(args, opts).then((result) => [result as JobInsertResult]);
  }
  return river.insertMany(
    call.many.map((job) => {
      const { args, opts } = ourJob(job);
      return InsertManyParams.of(args, opts);
    }),
  );
}

/** What the caller is told, but for the ids: those of one call ascend. */
async function answer(results: Promise<readonly JobInsertResult[]>): Promise<unknown> {
  try {
    const told = await results;
    const ids = told.map(({ job }) => job.id);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
    return told.map(({ job, ...rest }) => ({ ...rest, job: { ...job, id: undefined } }));
  } catch (error) {
    if (!(error instanceof RiverError)) throw error;
    const { code, field, message, index } = error as RiverError & { index?: number };
    return { code, field, message, index };
  }
}

const ROWS = `select row_to_json(job)::jsonb - 'id' as row from river_job as job order by created_at, id`;

test(
  `what is inserted together is as if each were alone: ${numBatches} batches, INTEROP_SEED=${INTEROP_SEED}`,
  async () => {
    let compared = 0;
    let refused = 0;
    const sample = fc.sample(moments, { numRuns: numBatches, seed: INTEROP_SEED });
    for (const moment of sample) {
      const atOnce = await Promise.all(moment.map((call) => answer(insert(together.river, call))));
      const oneByOne: unknown[] = [];
      for (const call of moment) oneByOne.push(await answer(insert(alone.river, call)));
      expect(atOnce).toEqual(oneByOne);
      compared += moment.length;
      refused += atOnce.filter((told) => !Array.isArray(told)).length;
    }
    expect(refused).toBeGreaterThan(compared / 20);
    expect(refused).toBeLessThan(compared / 2);
    const rows = await queryAll(together.database, ROWS);
    expect(rows.length).toBeGreaterThan(compared / 2);
    expect(rows).toEqual(await queryAll(alone.database, ROWS));
  },
  30_000 + numBatches * 100,
);
