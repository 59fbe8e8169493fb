import { CANCEL_MARK } from '../administration/job-change-statements.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** How jobs are found and rescued whose worker is lost. $1 is after how many milliseconds a job counts as lost. */
export interface RescueStatements {
  /** Lost jobs with an id above $2, $3 at most, by id; whether each was `cancelled`, and its `age_ms`. */
  readonly find: Statement;
  /** $2 the ids, $3 their attempts, $4 the states, $5 the times they are scheduled for, $6 the attempt errors. */
  readonly rescue: Statement;
}

export function rescueStatements({ prefix }: SchemaName): RescueStatements {
  const table = `${prefix}river_job AS job`;
  const isLost = `job.state OPERATOR(pg_catalog.=) 'running' AND job.attempted_at OPERATOR(pg_catalog.<)
    (pg_catalog.now() OPERATOR(pg_catalog.-)
      pg_catalog.make_interval(secs => $1::pg_catalog.float8 OPERATOR(pg_catalog./) 1000))`;
  const count = `job.metadata OPERATOR(pg_catalog.->) 'river:rescue_count'`;
  return {
    find: statement(
      'lost jobs',
      `SELECT ${JOB_COLUMNS}, job.metadata OPERATOR(pg_catalog.?) '${CANCEL_MARK}' AS cancelled,
  (extract(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) job.attempted_at)
    OPERATOR(pg_catalog.*) 1000)::pg_catalog.text AS age_ms
FROM ${table}
WHERE ${isLost} AND job.id OPERATOR(pg_catalog.>) $2::bigint
ORDER BY job.id LIMIT $3::int`,
    ),
    rescue: statement(
      'rescue',
      `UPDATE ${table} SET
  state = given.state::${prefix}river_job_state,
  scheduled_at = coalesce(given.scheduled_at, job.scheduled_at),
  finalized_at = CASE WHEN given.scheduled_at IS NULL THEN pg_catalog.now() ELSE job.finalized_at END,
  errors = pg_catalog.array_append(job.errors, given.error::pg_catalog.jsonb),
  metadata = job.metadata OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('river:rescue_count',
    CASE WHEN pg_catalog.jsonb_typeof(${count}) OPERATOR(pg_catalog.=) 'number'
      THEN (${count})::numeric OPERATOR(pg_catalog.+) 1 ELSE 1 END)
FROM unnest($2::bigint[], $3::smallint[], $4::pg_catalog.text[], $5::pg_catalog.timestamptz[], $6::pg_catalog.text[])
  AS given (id, attempt, state, scheduled_at, error)
WHERE job.id OPERATOR(pg_catalog.=) given.id AND job.attempt OPERATOR(pg_catalog.=) given.attempt AND ${isLost}
RETURNING job.id::pg_catalog.text AS id`,
    ),
  };
}
