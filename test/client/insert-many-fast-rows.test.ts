import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InsertManyParams, jobArgs, RiverError, type InsertOptions } from 'nestjs-river';
import { jobCases } from '../interop/support/job-arbitraries.js';
import { ourJob, type JobCase } from '../interop/support/job-case.js';
import { StoredRows } from '../interop/support/stored-rows.js';
import { createTestDatabase, installRiver, queryAll } from '../support/index.js';
import { INTEROP_SEED, runSize } from '../support/run-size.js';
import { startClient, type StartedClient } from './started-client.js';

const numRuns = runSize('FAST_RUNS', { here: 150, ci: 500 });
const seed = INTEROP_SEED;
const NOW = new Date('2026-11-21T10:07:33.217Z');
const MANY = 'by_insert_many';
const FAST = 'by_copy';

let many: StartedClient;
let fast: StartedClient;
let rows: StoredRows;
beforeAll(async () => {
  const database = await createTestDatabase({ schema: MANY });
  await queryAll(database, `create schema ${FAST}`);
  await installRiver({ ...database, schema: FAST });
  const clock = (): Date => NOW;
  many = await startClient({ database, river: { schema: MANY, clock } });
  fast = await startClient({ database, river: { schema: FAST, clock } });
  rows = await StoredRows.open(database);
});
beforeEach(() => rows.clear(MANY, FAST));
afterAll(async () => {
  await rows.close();
  await many.stop();
  await fast.stop();
});

type Outcome = { readonly inserted: number; readonly skipped: number } | { readonly code: string };

async function outcome(insert: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await insert();
  } catch (error) {
    if (!(error instanceof RiverError) || error.code === 'RIVER_DATABASE') throw error;
    const { code, field, index, message } = error;
    return { code, field, index, message } as Outcome;
  }
}

/** Inserts the same by both, and tells what they answered and what is stored then. */
async function insertBoth(items: readonly object[]): Promise<[Outcome, Outcome]> {
  const answers: [Outcome, Outcome] = [
    await outcome(async () => {
      const results = await many.river.insertMany(items);
      const skipped = results.filter((each) => each.uniqueSkippedAsDuplicated).length;
      return { inserted: results.length - skipped, skipped };
    }),
    await outcome(() => fast.river.insertManyFast(items, { onConflict: 'skip' })),
  ];
  expect(await rows.all(FAST)).toEqual(await rows.all(MANY));
  return answers;
}

const REQUIRED = ['available', 'pending', 'running', 'scheduled'];

/** The lock path is not for COPY, and what `rawJson` refuses is for nobody. */
function isForCopy(job: JobCase): boolean {
  const states = job.unique?.byState ?? [];
  const hasKey = states.length === 0 || REQUIRED.every((state) => states.includes(state));
  return hasKey && !('text' in job.args && /\\u(0000|d800)|\0/i.test(job.args.text));
}

/** Few jobs, some of them again, so that unique ones are duplicates of each other. */
const jobLists = fc
  .array(jobCases.filter(isForCopy), { minLength: 1, maxLength: 12 })
  .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 1, maxLength: 30 }));

test(
  `any rows are those of insertMany: ${numRuns} pairs of lists, INTEROP_SEED=${seed}`,
  async () => {
    const seen = { stored: 0, skipped: 0, refused: 0 };
    const pairs = fc.tuple(jobLists, jobLists);
    const property = fc.asyncProperty(pairs, async (lists) => {
      await rows.clear(MANY, FAST);
      // The second list meets the rows of the first.
      for (const list of lists) {
        const items = list.map((job) => {
          const { args, opts } = ourJob(job);
          return InsertManyParams.of(args, opts);
        });
        const [byMany, byCopy] = await insertBoth(items);
        expect(byCopy).toEqual(byMany);
        if ('code' in byCopy) seen.refused++;
        else {
          seen.stored += byCopy.inserted;
          seen.skipped += byCopy.skipped;
        }
      }
    });
    await fc.assert(property, { numRuns, seed });
    process.stdout.write(`${numRuns} pairs, seed ${seed}: ${JSON.stringify(seen)}\n`);
    // The lists are of use only if there are some of each sort.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(numRuns / 5);
  },
  30_000 + numRuns * 200,
);

describe('what COPY gives a meaning to is stored as it is', () => {
  const HOSTILE = [
    ...['\\', '\\N', '\\.', '\\\\', '\\n', '\\x41', '\t', '\n', '\r', '\r\n', '\b\f\v', 'a\tb\nc'],
    ...[
      "'",
      '"',
      '{}',
      '{"a"}',
      ',',
      'NULL',
      'null',
      '\u007f',
      '\u2028',
      'é',
      '\u{1F600}',
      '\uE000',
    ],
  ];

  test.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s', async (_name, text) => {
    const args = { text, [text]: [text, { [text]: text }] };
    const opts: InsertOptions = { metadata: { text, [text]: text } };
    const item = InsertManyParams.of(jobArgs(text, args), opts);
    const [byMany, byCopy] = await insertBoth([item, item]);
    expect(byCopy).toEqual({ inserted: 2, skipped: 0 });
    expect(byMany).toEqual(byCopy);
    const [row] = await queryAll(fast.database, `select * from ${FAST}.river_job`);
    expect(row).toMatchObject({ kind: text, args, metadata: { text } });
  });

  test('tags that an array would take for something else', async () => {
    const tags = ['null', 'NULL', 'Null', '___', 'a-b', '0_0'];
    await insertBoth([InsertManyParams.of(jobArgs('tagged', {}), { tags })]);
    const [row] = await queryAll(fast.database, `select tags from ${FAST}.river_job`);
    expect(row).toEqual({ tags });
  });

  test('jobs of any size, in letters of any number of bytes', async () => {
    const sizes = [0, 1, 9_000, 21_000, 27_300, 27_400, 65_500, 82_000, 400_000];
    const items = sizes.flatMap((size) =>
      ['x', 'é', '€', '\u{1F600}'].map((letter) => jobArgs('large', { text: letter.repeat(size) })),
    );
    const tags = Array.from({ length: 2_000 }, (_, index) => `tag_${index}`);
    const tagged = InsertManyParams.of(jobArgs('tagged', {}), { tags });
    const [, byCopy] = await insertBoth([...items, tagged, jobArgs('last', {})]);
    expect(byCopy).toEqual({ inserted: items.length + 2, skipped: 0 });
  });

  test('times of all centuries', async () => {
    const times = ['-004713-11-24T00:00:00Z', '0000-01-01T00:00:00Z', '+275760-09-13T00:00:00Z'];
    const jobs = times.map((time) =>
      InsertManyParams.of(jobArgs('timed', {}), { scheduledAt: new Date(time) }),
    );
    const [, byCopy] = await insertBoth([...jobs, jobArgs('now', {})]);
    expect(byCopy).toEqual({ inserted: 4, skipped: 0 });
  });

  test.each(['a\0b', '\ud800'])('%j is refused, with the place of the job', async (text) => {
    const [byMany, byCopy] = await insertBoth([jobArgs('fine', {}), jobArgs('bad', { text })]);
    expect(byCopy).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args.text', index: 1 });
    expect(byCopy).toEqual(byMany);
  });
});
