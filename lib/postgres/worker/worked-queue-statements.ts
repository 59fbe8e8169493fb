import { CANCEL_MARK } from '../administration/job-change-statements.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** What a worker asks of a queue beside its jobs. */
export interface WorkedQueueStatements {
  /** Makes the row of the queue $1, or touches it, and returns whether it is `paused`. */
  readonly report: Statement;
  /** Whether the queue $1 is `paused`; no row where it has none. */
  readonly read: Statement;
  /** Which of the running jobs $1 were cancelled. */
  readonly cancelled: Statement;
}

export function workedQueueStatements({ prefix }: SchemaName): WorkedQueueStatements {
  const paused = '(queue.paused_at IS NOT NULL)::pg_catalog.text AS paused';
  return {
    report: statement(
      'queue report',
      `INSERT INTO ${prefix}river_queue AS queue (name, created_at, metadata, paused_at, updated_at)
VALUES ($1::pg_catalog.text, pg_catalog.now(), '{}', NULL, pg_catalog.now())
ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at
RETURNING ${paused}`,
    ),
    read: statement(
      'queue state',
      `SELECT ${paused} FROM ${prefix}river_queue AS queue
WHERE queue.name OPERATOR(pg_catalog.=) $1::pg_catalog.text`,
    ),
    cancelled: statement(
      'cancelled jobs',
      `SELECT job.id::pg_catalog.text AS id FROM ${prefix}river_job AS job
WHERE job.id OPERATOR(pg_catalog.=) ANY ($1::bigint[]) AND job.state OPERATOR(pg_catalog.=) 'running'
  AND job.metadata OPERATOR(pg_catalog.?) '${CANCEL_MARK}'`,
    ),
  };
}
