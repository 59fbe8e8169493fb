import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import {
  InsertManyParams,
  InvalidJobError,
  type InsertOptions,
  RiverClient,
  RiverConfigurationError,
  type JobInsertResult,
} from 'nestjs-river';
import { makeInsertParams } from '../../lib/insert/insert-params.js';
import { decodeJson } from '../../lib/job/decode-json.js';
import { SchemaName } from '../../lib/postgres/connection/schema-name.js';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { expectedValue, sameToJsonb } from './hostile/equal.js';
import { hostileJob, type HostileJob } from './hostile/jobs.js';
import { hostileAnything, hostileString } from './hostile/values.js';
import { runSize } from '../support/run-size.js';
import { CONTEXT } from './key-text.js';

/** How many jobs to try; at least as many schema names. */
const RUNS = runSize('HOSTILE_RUNS', { here: 1_000, ci: 10_000 });
const SEED = Number(process.env['HOSTILE_SEED'] ?? 20_261_121);
const BATCH = 50;
const TIMEOUT_MS = 30_000 + RUNS * 20;
const ORIGIN = `HOSTILE_SEED=${SEED} HOSTILE_RUNS=${RUNS}`;

const ROWS = `
  select id::text, args::text, kind, queue, tags, metadata::text
  from river_job where id = any($1::bigint[])`;

const OPTIONS = [
  'maxAttempts',
  'pending',
  'priority',
  'scheduledAt',
  'delay',
  'signal',
  'uniqueOpts',
];

interface Row {
  readonly id: string;
  readonly args: string;
  readonly kind: string;
  readonly queue: string;
  readonly tags: string[];
  readonly metadata: string;
}

/** The typed refusal of a job; undefined when it is let through. Anything else is a third outcome. */
function refusalOf(job: Pick<HostileJob, 'args' | 'opts'>): InvalidJobError | undefined {
  try {
    makeInsertParams(job.args, job.opts, CONTEXT);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidJobError && error.field !== undefined) return error;
    throw thirdOutcome(job, error);
  }
}

function thirdOutcome(job: Pick<HostileJob, 'args' | 'opts'>, cause: unknown): Error {
  return new Error(`A third outcome (${ORIGIN}) for ${show(job)}: ${String(cause)}`, { cause });
}

const show = (job: unknown): string =>
  inspect(job, { depth: 8, breakLength: 100, maxStringLength: 200 });

describe('hostile jobs', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let river: RiverClient;
  const counts = { refused: 0, stored: 0, duplicates: 0 };

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await createDataSource(database);
    river = new RiverClient(dataSource, {});
  });
  afterAll(async () => {
    await dataSource.destroy();
    process.stdout.write(`Hostile jobs: ${JSON.stringify(counts)}, ${ORIGIN}\n`);
  });

  const insert = (jobs: readonly HostileJob[]): Promise<JobInsertResult<object>[]> =>
    river.insertMany(jobs.map(({ args, opts }) => InsertManyParams.of(args, opts)));

  function expectEqual(job: HostileJob, row: Row, args: unknown): void {
    const { queue, tags, metadata } = job.opts as Partial<Row>;
    const wanted = expectedValue(job.payload, job.notArgs);
    if (!sameToJsonb(wanted, args)) throw new Error(`other args came back: ${show(args)}`);
    if (!sameToJsonb(expectedValue(metadata ?? {}), decodeJson(row.metadata)))
      throw new Error(`other metadata came back: ${row.metadata}`);
    expect({ queue: row.queue, tags: row.tags }).toEqual({
      queue: queue ?? 'default',
      tags: tags ?? [],
    });
    expect(row.kind).toBe(makeInsertParams(job.args, {}, CONTEXT).kind);
  }

  /** Each job is stored and comes back equal: from the call, from the table, and as a duplicate. */
  async function expectStored(jobs: readonly HostileJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const results = await insert(jobs);
    const ids = results.map(({ job }) => String(job.id));
    const rows = new Map(
      (await queryAll<Row & { id: string }>(database, ROWS, [ids])).map((row) => [row.id, row]),
    );
    results.forEach((result, index) => {
      const job = jobs[index];
      const row = rows.get(String(result.job.id));
      if (job === undefined || row === undefined) throw new Error('the row is missing');
      // An equal unique job was there already: its options are those of another.
      if (!result.uniqueSkippedAsDuplicated) expectEqual(job, row, result.job.args);
      if (!result.uniqueSkippedAsDuplicated) expectEqual(job, row, decodeJson(row.args));
      else if (!sameToJsonb(expectedValue(job.payload, job.notArgs), result.job.args))
        throw new Error(`a duplicate of other args: ${show(result.job.args)}`);
    });
    const unique = jobs.filter(({ opts }) => (opts as InsertOptions).uniqueOpts);
    for (const { uniqueSkippedAsDuplicated } of await insert(unique)) {
      expect(uniqueSkippedAsDuplicated).toBe(true);
    }
    counts.stored += results.filter((result) => !result.uniqueSkippedAsDuplicated).length;
    counts.duplicates += results.filter((result) => result.uniqueSkippedAsDuplicated).length;
  }

  /** When a batch fails, its jobs one by one tell which it was. */
  async function expectBatchStored(jobs: readonly HostileJob[]): Promise<void> {
    try {
      await expectStored(jobs);
    } catch (cause) {
      for (const job of jobs) {
        await expectStored([job]).catch((error: unknown) => {
          throw thirdOutcome(job, error);
        });
      }
      throw new Error(`A batch failed (${ORIGIN}), though none of its jobs does`, { cause });
    }
  }

  test(
    'are each refused with a typed error, or come back equal',
    async () => {
      for (let done = 0; done < RUNS; done += BATCH) {
        const numRuns = Math.min(BATCH, RUNS - done);
        const jobs = fc.sample(hostileJob, { seed: SEED + done, numRuns }).map((make) => make());
        const refusals = jobs.map(refusalOf);
        const first = refusals.findIndex((refusal) => refusal !== undefined);
        if (first !== -1) {
          await expect(insert(jobs)).rejects.toMatchObject({
            code: refusals[first]?.code,
            index: first,
          });
        }
        counts.refused += refusals.filter((refusal) => refusal !== undefined).length;
        await expectBatchStored(jobs.filter((_job, index) => refusals[index] === undefined));
      }
      const [row] = await queryAll(database, 'select count(*)::int as stored from river_job');
      expect(row).toEqual({ stored: counts.stored });
      // The generators must neither be tame nor refused altogether.
      expect(Math.min(counts.refused, counts.stored)).toBeGreaterThan(RUNS / 5);
    },
    TIMEOUT_MS,
  );

  test.each<[string, (anything: unknown) => Pick<HostileJob, 'args' | 'opts'>]>([
    ['args', (anything) => ({ args: anything as object, opts: {} })],
    ['options', (anything) => ({ args: { kind: 'k' }, opts: anything as object })],
    ['insertOpts()', (anything) => ({ args: { kind: 'k', insertOpts: () => anything }, opts: {} })],
    ...OPTIONS.map((name): [string, (anything: unknown) => Pick<HostileJob, 'args' | 'opts'>] => [
      name,
      (anything) => ({ args: { kind: 'k', a: 1 }, opts: { [name]: anything } }),
    ]),
  ])(
    'with anything at all as their %s are refused with a typed error or let through',
    (_name, jobOf) => {
      const property = fc.property(hostileAnything, (make) => {
        refusalOf(jobOf(make()));
      });
      fc.assert(property, { seed: SEED, numRuns: RUNS });
    },
    TIMEOUT_MS,
  );

  test(
    'in hostile schemas are refused, or the name is quoted right',
    async () => {
      const letters = fc.stringMatching(/^[A-Za-z_]\w{0,50}$/);
      const odd = fc.constantFrom('a\n', 'a"', 'ä', '1a', '', 'a'.repeat(46), 'a'.repeat(47));
      const name = fc.oneof(
        ...[letters, hostileString, odd].map((names) => names.map((each) => () => each)),
        hostileAnything,
      );
      const taken = new Set<string>();
      for (const make of fc.sample(name, { seed: SEED, numRuns: RUNS })) {
        const each: unknown = make();
        try {
          expect(new SchemaName(each as string).name).toBe(each);
          if (each !== undefined) taken.add(each as string);
        } catch (error) {
          if (!(error instanceof RiverConfigurationError)) throw error;
          expect(error).toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'schema' });
        }
      }
      const schemas = [...taken].map((each) => new SchemaName(each));
      const rows = await queryAll<{ names: string[] }>(
        database,
        'select parse_ident(table_name) as names from unnest($1::text[]) with ordinality as t(table_name, n) order by n',
        [schemas.map(({ prefix }) => `${prefix}river_job`)],
      );
      expect(rows.map(({ names }) => names)).toEqual([...taken].map((each) => [each, 'river_job']));
      expect(taken.size).toBeGreaterThan(Math.min(20, RUNS / 10));
    },
    TIMEOUT_MS,
  );
});
