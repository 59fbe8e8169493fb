import type { SchemaName } from '../connection/schema-name.js';
import { statement, unpreparedStatement, type Statement } from '../connection/statement.js';

/** How ended jobs and forgotten queues are deleted. Each returns how many were `deleted`. */
export interface CleanStatements {
  /** $1, $2 and $3: milliseconds that completed, cancelled and discarded jobs are kept, null for ever; $4 how many. */
  readonly jobs: Statement;
  /** Queues that nobody has reported for $1 milliseconds, $2 at most. */
  readonly queues: Statement;
}

export function cleanStatements({ prefix }: SchemaName): CleanStatements {
  const before = (parameter: string): string =>
    `(pg_catalog.now() OPERATOR(pg_catalog.-)
      pg_catalog.make_interval(secs => ${parameter}::pg_catalog.float8 OPERATOR(pg_catalog./) 1000))`;
  const isOld = (state: string, parameter: string): string =>
    `(job.state OPERATOR(pg_catalog.=) '${state}' AND ${parameter}::pg_catalog.float8 IS NOT NULL
    AND job.finalized_at OPERATOR(pg_catalog.<) ${before(parameter)})`;
  return {
    jobs: statement(
      'clean jobs',
      `WITH old AS MATERIALIZED (
  SELECT job.id FROM ${prefix}river_job AS job
  WHERE ${isOld('completed', '$1')} OR ${isOld('cancelled', '$2')} OR ${isOld('discarded', '$3')}
  ORDER BY job.id LIMIT $4::int
  FOR UPDATE SKIP LOCKED
), deleted AS (
  DELETE FROM ${prefix}river_job AS job USING old
  WHERE job.id OPERATOR(pg_catalog.=) old.id
    AND job.state OPERATOR(pg_catalog.=) ANY ('{completed,cancelled,discarded}')
  RETURNING job.id
)
SELECT pg_catalog.count(*)::pg_catalog.text AS deleted FROM deleted`,
    ),
    queues: statement(
      'clean queues',
      `WITH old AS MATERIALIZED (
  SELECT queue.name FROM ${prefix}river_queue AS queue
  WHERE queue.updated_at OPERATOR(pg_catalog.<) ${before('$1')}
  ORDER BY queue.name LIMIT $2::int
  FOR UPDATE SKIP LOCKED
), deleted AS (
  DELETE FROM ${prefix}river_queue AS queue USING old
  WHERE queue.name OPERATOR(pg_catalog.=) old.name AND queue.updated_at OPERATOR(pg_catalog.<) ${before('$1')}
  RETURNING queue.name
)
SELECT pg_catalog.count(*)::pg_catalog.text AS deleted FROM deleted`,
    ),
  };
}

/** The indexes of `river_job` that River's client reindexes. */
const INDEXES = [
  'river_job_args_index',
  'river_job_kind',
  'river_job_metadata_index',
  'river_job_pkey',
  'river_job_prioritized_fetching_index',
  'river_job_state_and_finalized_at_index',
  'river_job_unique_idx',
];

/** Which of the indexes there are, with whether an interrupted REINDEX has left something of each behind. */
export function reindexable({ prefix }: SchemaName): {
  readonly find: Statement;
  readonly values: unknown[];
} {
  return {
    find: statement(
      'indexes',
      `SELECT class.relname AS name, EXISTS (
  SELECT FROM pg_catalog.pg_class AS rest
  WHERE rest.relnamespace OPERATOR(pg_catalog.=) class.relnamespace
    AND rest.relname OPERATOR(pg_catalog.~) ('^' OPERATOR(pg_catalog.||) class.relname
      OPERATOR(pg_catalog.||) '_cc(new|old)[0-9]*$')
) AS interrupted
FROM pg_catalog.pg_index AS index
JOIN pg_catalog.pg_class AS class ON class.oid OPERATOR(pg_catalog.=) index.indexrelid
WHERE index.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::pg_catalog.oid
  AND class.relname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])
ORDER BY class.relname`,
    ),
    values: [`${prefix}river_job`, INDEXES],
  };
}

/** @param name of one of the indexes found, none of which needs an escape in quotes */
export function reindexStatement({ prefix }: SchemaName, name: string): Statement {
  return unpreparedStatement('reindex', `REINDEX INDEX CONCURRENTLY ${prefix}"${name}"`);
}
