import { DATABASE_TIME_COLUMNS } from '../connection/database-time.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import { notifyPayload } from '../insert/notify-statement.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** How a job that waits is changed: locked and read, then changed by what its row says. */
export interface WaitingJobStatements {
  /** Locks and reads the job $1, and asks for the database's time. */
  readonly lock: Statement;
  /**
   * Reads the id of another job that has the unique key $2 (hexadecimal), where the job $1 would be in
   * the state $3, by its own unique states or those in $4.
   */
  readonly holder: Statement;
  /**
   * Changes the job $1, where each that is null stays: $2 the args, $3 the queue, $4 the priority, $5 the
   * time, $6 the state, $7 the unique key (hexadecimal), $8 the metadata to set, $10 the unique
   * states; $9 says whether the workers of its queue are notified.
   */
  readonly change: Statement;
}

export function waitingJobStatements({ prefix, insertChannel }: SchemaName): WaitingJobStatements {
  const table = `${prefix}river_job`;
  const isIn = (states: string, state: string): string =>
    `${prefix}river_job_state_in_bitmask(${states}, ${state})`;
  return {
    lock: statement(
      'jobUpdate',
      `SELECT ${JOB_COLUMNS}, ${DATABASE_TIME_COLUMNS}
FROM ${table} AS job WHERE job.id OPERATOR(pg_catalog.=) $1::bigint FOR UPDATE`,
    ),
    holder: statement(
      'jobUpdate',
      `SELECT other.id::pg_catalog.text AS id
FROM ${table} AS job JOIN ${table} AS other
  ON other.unique_key OPERATOR(pg_catalog.=) pg_catalog.decode($2::pg_catalog.text, 'hex')
  AND other.unique_key IS NOT NULL AND other.unique_states IS NOT NULL AND ${isIn('other.unique_states', 'other.state')}
WHERE job.id OPERATOR(pg_catalog.=) $1::bigint AND other.id OPERATOR(pg_catalog.<>) job.id
  AND ${isIn('coalesce($4::bit(8), job.unique_states)', `$3::${prefix}river_job_state`)}
LIMIT 1`,
    ),
    change: statement(
      'jobUpdate',
      `UPDATE ${table} AS job SET
  args = coalesce($2::pg_catalog.jsonb, job.args),
  queue = coalesce($3::pg_catalog.text, job.queue),
  priority = coalesce($4::smallint, job.priority),
  scheduled_at = coalesce($5::pg_catalog.timestamptz, job.scheduled_at),
  state = coalesce($6::${prefix}river_job_state, job.state),
  unique_key = coalesce(pg_catalog.decode($7::pg_catalog.text, 'hex'), job.unique_key),
  unique_states = coalesce($10::bit(8), job.unique_states),
  metadata = CASE WHEN $8::pg_catalog.jsonb IS NULL THEN job.metadata
    ELSE job.metadata OPERATOR(pg_catalog.||) $8::pg_catalog.jsonb END
WHERE job.id OPERATOR(pg_catalog.=) $1::bigint
RETURNING ${JOB_COLUMNS},
  CASE WHEN $9::boolean
    THEN pg_catalog.pg_notify(${insertChannel}, ${notifyPayload('job.queue')}) END AS notified`,
    ),
  };
}
