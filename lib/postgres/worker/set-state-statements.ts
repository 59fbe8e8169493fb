import { CANCEL_MARK } from '../administration/job-change-statements.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** How the ends of attempts are stored. Each returns `id` and `state` of the rows that it has changed. */
export interface SetStateStatements {
  /**
   * Any outcomes, as arrays of one element per job: $2 the ids, $3 the attempts, $4 the states, $5 new
   * numbers of attempts, $6 the times they are scheduled for, $7 the times they ended, $8 attempt errors and
   * $9 metadata as JSON, $10 when they were claimed. From $5 to $9, what is null stays. $1 is the id of the client.
   */
  readonly any: Statement;
  /** Successes that change nothing else: $2 the ids, $3 the attempts, $4 the times they ended, $5 when they were claimed. */
  readonly completed: Statement;
  /**
   * Which of the outcomes are in the rows already, for a statement whose response was lost. Waits for that
   * statement, if it is still under way: $2 the ids, $3 the attempts, $4 new numbers of attempts, $5 and $6 the
   * times, $7 when they were claimed.
   */
  readonly stored: Statement;
}

export function setStateStatements({ prefix }: SchemaName): SetStateStatements {
  const table = `${prefix}river_job AS job`;
  return {
    any: statement(
      'setState',
      `UPDATE ${table} SET
  state = CASE WHEN ${IS_CANCELLED} THEN 'cancelled' ELSE given.state::${prefix}river_job_state END,
  attempt = CASE WHEN given.new_attempt IS NULL OR ${IS_CANCELLED} THEN job.attempt ELSE given.new_attempt END,
  scheduled_at = CASE WHEN given.scheduled_at IS NULL OR ${IS_CANCELLED} THEN job.scheduled_at
    ELSE given.scheduled_at END,
  finalized_at = CASE WHEN ${IS_CANCELLED} THEN pg_catalog.now()
    ELSE coalesce(given.finalized_at, job.finalized_at) END,
  errors = CASE WHEN given.error IS NULL THEN job.errors
    ELSE pg_catalog.array_append(job.errors, given.error::pg_catalog.jsonb) END,
  metadata = CASE WHEN given.metadata IS NULL THEN job.metadata
    ELSE job.metadata OPERATOR(pg_catalog.||) given.metadata::pg_catalog.jsonb END
FROM unnest($2::bigint[], $3::smallint[], $4::pg_catalog.text[], $5::smallint[],
  $6::pg_catalog.timestamptz[], $7::pg_catalog.timestamptz[], $8::pg_catalog.text[], $9::pg_catalog.text[],
  $10::pg_catalog.float8[]
) AS given (id, attempt, state, new_attempt, scheduled_at, finalized_at, error, metadata, claimed_at)
WHERE ${IS_OURS}
RETURNING job.id::pg_catalog.text AS id, job.state::pg_catalog.text AS state`,
    ),
    completed: statement(
      'setState',
      `UPDATE ${table} SET state = 'completed', finalized_at = given.finalized_at
FROM unnest($2::bigint[], $3::smallint[], $4::pg_catalog.timestamptz[], $5::pg_catalog.float8[])
  AS given (id, attempt, finalized_at, claimed_at)
WHERE ${IS_OURS}
RETURNING job.id::pg_catalog.text AS id`,
    ),
    stored: statement(
      'setState',
      // The rows are locked by their ids alone: a condition that fails before the lock would not wait for it.
      `WITH held AS MATERIALIZED (
  SELECT job.id, job.state, job.attempt, job.attempted_at, job.attempted_by, job.scheduled_at,
    job.finalized_at FROM ${table}
  WHERE job.id OPERATOR(pg_catalog.=) ANY ($2::bigint[]) FOR SHARE OF job
)
SELECT job.id::pg_catalog.text AS id, job.state::pg_catalog.text AS state
FROM held AS job, unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::pg_catalog.timestamptz[],
  $6::pg_catalog.timestamptz[], $7::pg_catalog.float8[])
  AS given (id, attempt, new_attempt, scheduled_at, finalized_at, claimed_at)
WHERE job.id OPERATOR(pg_catalog.=) given.id AND job.state OPERATOR(pg_catalog.<>) 'running'
  AND ${IS_OF_CLAIM} AND (
    job.state OPERATOR(pg_catalog.=) 'cancelled' AND job.attempt OPERATOR(pg_catalog.=) given.attempt
    OR job.attempt OPERATOR(pg_catalog.=) coalesce(given.new_attempt, given.attempt)
      AND (job.finalized_at OPERATOR(pg_catalog.=) given.finalized_at
        OR job.scheduled_at OPERATOR(pg_catalog.=) given.scheduled_at))`,
    ),
  };
}

const IS_OF_CLAIM = `job.attempted_by[pg_catalog.array_upper(job.attempted_by, 1)] OPERATOR(pg_catalog.=) $1::pg_catalog.text
  AND pg_catalog.date_part('epoch', job.attempted_at) OPERATOR(pg_catalog.=) given.claimed_at`;

/**
 * Go's client has no such guard: there, the late result of an attempt that was taken for lost ends the attempt
 * that has begun since.
 */
const IS_OURS = `job.id OPERATOR(pg_catalog.=) given.id AND job.state OPERATOR(pg_catalog.=) 'running'
  AND job.attempt OPERATOR(pg_catalog.=) given.attempt AND ${IS_OF_CLAIM}`;

/** Whether a job that would be worked again was cancelled while it ran. */
const IS_CANCELLED = `(given.state OPERATOR(pg_catalog.=) ANY ('{available,retryable,scheduled}'::pg_catalog.text[])
    AND job.metadata OPERATOR(pg_catalog.?) '${CANCEL_MARK}')`;
