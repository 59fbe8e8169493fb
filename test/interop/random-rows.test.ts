import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InsertManyParams, InvalidJobError } from 'nestjs-river';
import { encodedArgsOf } from './support/compare-params.js';
import { DECIDED_DIFFERENCES } from './support/decided-differences.js';
import type { GoJob } from './support/go-protocol.js';
import { goJob, ourJob, type JobCase } from './support/job-case.js';
import { jobCases } from './support/job-arbitraries.js';
import { ProgramError } from './support/line-program.js';
import { INTEROP_SEED, runSize } from '../support/run-size.js';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';

const NOW = new Date('2026-11-21T10:07:33.217Z');
/** A tenth of the cases that are compared without a database. */
const numRuns = Math.ceil(runSize('INTEROP_RUNS', { here: 200, ci: 500 }) / 10);
const seed = INTEROP_SEED;
const [OURS, GOS] = SCHEMAS;

const jobs = jobCases.filter((job) => !DECIDED_DIFFERENCES.some((each) => each.concerns(job)));

/** Few jobs, some of them again, so that unique ones are duplicates of each other. */
const jobLists = fc
  .array(jobs, { minLength: 1, maxLength: 3 })
  .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 1, maxLength: 5 }));

/** What one side answered: each job's place among the rows, and whether it was skipped. */
type Answer = readonly { readonly id: string; readonly skipped: boolean }[] | 'refused';

describeWithGo('any rows', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened), { now: NOW });

  test(
    `stored one by one are those of Go: ${numRuns} lists, INTEROP_SEED=${seed}`,
    async () => {
      const property = fc.asyncProperty(jobLists, async (jobs) => {
        await sides.rows.clear(...SCHEMAS);
        for (const job of jobs) {
          const ours = await insertOne(sides, job);
          const theirs = await goAnswer(() => sides.go.insertMany([forGo(job)], WHERE));
          expect(withPlaces(ours)).toEqual(withPlaces(theirs));
        }
        await expectEqualRows(sides);
      });
      await fc.assert(property, { numRuns, seed });
    },
    30_000 + numRuns * 200,
  );

  test(
    `stored at once are those of Go: ${numRuns} lists, INTEROP_SEED=${seed}`,
    async () => {
      const property = fc.asyncProperty(jobLists, async (jobs) => {
        await sides.rows.clear(...SCHEMAS);
        const ours = await insertMany(sides, jobs);
        const theirs = await goAnswer(() => sides.go.insertMany(jobs.map(forGo), WHERE));
        if (theirs === 'repeats a key') return expectSkipped(ours);
        expect(withPlaces(ours)).toEqual(withPlaces(theirs));
        return expectEqualRows(sides);
      });
      await fc.assert(property, { numRuns, seed });
    },
    30_000 + numRuns * 200,
  );
});

const WHERE = { schema: GOS, now: NOW };

function forGo(job: JobCase): GoJob {
  return goJob(job, encodedArgsOf(job));
}

async function insertOne(sides: TwoSides, job: JobCase): Promise<Answer> {
  return ourAnswer(async () => {
    const { args, opts } = ourJob(job);
    return [await sides.river(OURS).insert(args, opts)];
  });
}

async function insertMany(sides: TwoSides, jobs: readonly JobCase[]): Promise<Answer> {
  return ourAnswer(async () => {
    const items = jobs.map((job) => {
      const { args, opts } = ourJob(job);
      return InsertManyParams.of(args, opts);
    });
    return sides.river(OURS).insertMany(items);
  });
}

async function ourAnswer(
  insert: () => Promise<readonly { job: { id: string }; uniqueSkippedAsDuplicated: boolean }[]>,
): Promise<Answer> {
  try {
    const results = await insert();
    return results.map(({ job, uniqueSkippedAsDuplicated }) => ({
      id: String(job.id),
      skipped: uniqueSkippedAsDuplicated,
    }));
  } catch (error) {
    if (error instanceof InvalidJobError) return 'refused';
    throw error;
  }
}

async function goAnswer(
  insert: () => Promise<readonly { job: { id: string }; uniqueSkippedAsDuplicate: boolean }[]>,
): Promise<Answer | 'repeats a key'> {
  try {
    const results = await insert();
    return results.map(({ job, uniqueSkippedAsDuplicate }) => ({
      id: job.id,
      skipped: uniqueSkippedAsDuplicate,
    }));
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.sqlState === undefined) return 'refused';
    // A difference that was decided: what Go's statement cannot do, ours answers.
    if (error.sqlState === '21000') return 'repeats a key';
    throw error;
  }
}

function expectSkipped(ours: Answer): void {
  expect(ours).toContainEqual({ id: expect.any(String), skipped: true });
}

/** Two tables count their ids each for itself. */
function withPlaces(answer: Answer | 'repeats a key'): unknown {
  if (typeof answer === 'string') return answer;
  const ids = [...new Set(answer.map(({ id }) => BigInt(id)))].sort((a, b) => (a < b ? -1 : 1));
  return answer.map(({ id, skipped }) => ({ place: ids.indexOf(BigInt(id)), skipped }));
}

async function expectEqualRows({ rows }: TwoSides): Promise<void> {
  expect(await rows.all(OURS)).toEqual(await rows.all(GOS));
}
