import type { InsertParams } from '../../insert/insert-params.js';
import { periodOfNanoseconds, type Period } from '../../insert/unique/unique-period.js';
import type { UniqueLock } from '../../insert/unique/unique-lock.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';
import { timestampOfNanoseconds } from '../rows/timestamp.js';

/**
 * Looks for a job that is equal in the dimensions asked for, whoever inserted it: the oldest, one row
 * per job given. A dimension that is off is null.
 */
export function lookUpStatement({ prefix }: SchemaName): Statement {
  const keys = 'ARRAY(SELECT pg_catalog.jsonb_array_elements_text(path))';
  // Arrays of one, since these compare NULL, a path that is not there, as equal to NULL only.
  const at = (args: string): string => `ARRAY[${args} OPERATOR(pg_catalog.#>) ${keys}]`;
  return statement(
    'unique look-up',
    `SELECT ${JOB_COLUMNS}
FROM unnest($1::pg_catalog.text[], $2::pg_catalog.jsonb[], $3::pg_catalog.jsonb[], $4::pg_catalog.text[],
    $5::pg_catalog.text[], $6::pg_catalog.timestamptz[], $7::pg_catalog.timestamptz[])
  WITH ORDINALITY AS given(kind, args, paths, queue, states, period_start, period_end, ordinal)
LEFT JOIN LATERAL (
  SELECT * FROM ${prefix}river_job AS candidate
  WHERE candidate.state OPERATOR(pg_catalog.=) ANY (
    pg_catalog.string_to_array(given.states, ',')::${prefix}river_job_state[])
    AND (given.kind IS NULL OR candidate.kind OPERATOR(pg_catalog.=) given.kind)
    AND (given.queue IS NULL OR candidate.queue OPERATOR(pg_catalog.=) given.queue)
    AND (given.args IS NULL OR given.paths IS NOT NULL OR candidate.args OPERATOR(pg_catalog.=) given.args)
    AND (given.paths IS NULL OR NOT EXISTS (
      SELECT FROM pg_catalog.jsonb_array_elements(given.paths) AS path
      WHERE ${at('candidate.args')} OPERATOR(pg_catalog.<>) ${at('given.args')}
    ))
    AND (given.period_start IS NULL
      OR candidate.created_at OPERATOR(pg_catalog.>=) given.period_start
        AND candidate.created_at OPERATOR(pg_catalog.<) given.period_end)
  ORDER BY candidate.id
  LIMIT 1
) AS job ON true
ORDER BY given.ordinal`,
  );
}

type LockedJob = InsertParams & { readonly unique: UniqueLock };

/**
 * The parameters $1 to $7 of the look-up.
 *
 * @param now the time that a row inserted in this transaction gets as `created_at`, in microseconds
 *   since 1970: by another clock, a look-up at the end of a period would miss the row of the insert
 *   before it
 */
export function lookUpValues(jobs: readonly LockedJob[], now: bigint): unknown[] {
  const options = jobs.map(({ unique }) => unique.opts);
  const periods = jobs.map((job) => periodAt(job, now));
  return [
    jobs.map(({ kind, unique }) => (unique.opts.excludeKind ? null : kind)),
    jobs.map(({ encodedArgs, unique }) => (unique.opts.byArgs === undefined ? null : encodedArgs)),
    options.map(({ byArgs }) => (Array.isArray(byArgs) ? JSON.stringify(byArgs) : null)),
    jobs.map(({ queue, unique }) => (unique.opts.byQueue ? queue : null)),
    jobs.map(({ unique }) => unique.states.join(',')),
    periods.map((period) => period && timestampOfNanoseconds(period.startNs)),
    periods.map((period) => period && timestampOfNanoseconds(period.endNs)),
  ];
}

function periodAt({ createdAt, unique }: LockedJob, now: bigint): Period | undefined {
  const { byPeriod } = unique.opts;
  if (byPeriod === undefined) return undefined;
  const time = createdAt === undefined ? now * 1_000n : BigInt(createdAt.getTime()) * 1_000_000n;
  return periodOfNanoseconds(time, byPeriod);
}
