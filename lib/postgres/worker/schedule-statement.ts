import { notifyPayload } from '../insert/notify-statement.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** Seconds by which jobs are made available before their time: the interval of the scheduler. River's. */
const AHEAD_SECONDS = 5;
/** Seconds to the time of a job whose workers are notified. The others are found by polling. */
const NOTIFIED_SECONDS = 0.005;

/**
 * Makes jobs available whose time comes, $1 at most, and returns how many rows were `changed`. Of several with
 * one unique key only the first becomes available, and none where another job holds the key: the others are
 * discarded, as by River's client.
 */
export function scheduleStatement({ prefix, insertChannel }: SchemaName): Statement {
  const table = `${prefix}river_job`;
  const ahead = `(pg_catalog.now() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => ${AHEAD_SECONDS}))`;
  const soon = `(pg_catalog.now() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => ${NOTIFIED_SECONDS}))`;
  return statement(
    'schedule',
    `WITH due AS MATERIALIZED (
  SELECT job.id, job.unique_key, job.unique_states, job.priority, job.scheduled_at
  FROM ${table} AS job
  WHERE job.state OPERATOR(pg_catalog.=) ANY ('{retryable,scheduled}') AND job.scheduled_at OPERATOR(pg_catalog.<=) ${ahead}
  ORDER BY job.priority, job.scheduled_at, job.id
  LIMIT $1::int
  FOR UPDATE
), ranked AS (
  SELECT due.id, due.unique_key, due.unique_states,
    pg_catalog.row_number() OVER (
      PARTITION BY due.unique_key ORDER BY due.priority, due.scheduled_at, due.id) AS place
  FROM due
), decided AS (
  SELECT ranked.id, ranked.unique_key IS NOT NULL AND ranked.unique_states IS NOT NULL
    AND (ranked.place OPERATOR(pg_catalog.>) 1 OR EXISTS (
      SELECT FROM ${table} AS other
      WHERE other.unique_key OPERATOR(pg_catalog.=) ranked.unique_key
        AND other.id OPERATOR(pg_catalog.<>) ranked.id
        AND other.unique_states IS NOT NULL
        AND ${prefix}river_job_state_in_bitmask(other.unique_states, other.state)
    )) AS conflicts
  FROM ranked
), changed AS (
  UPDATE ${table} AS job SET
    state = CASE WHEN decided.conflicts THEN 'discarded' ELSE 'available' END::${prefix}river_job_state,
    finalized_at = CASE WHEN decided.conflicts THEN ${ahead} ELSE job.finalized_at END,
    metadata = CASE WHEN decided.conflicts
      THEN job.metadata OPERATOR(pg_catalog.||) '{"unique_key_conflict": "scheduler_discarded"}'::pg_catalog.jsonb
      ELSE job.metadata END
  FROM decided
  WHERE job.id OPERATOR(pg_catalog.=) decided.id
  RETURNING job.queue, NOT decided.conflicts AND job.scheduled_at OPERATOR(pg_catalog.<=) ${soon} AS notifies
), notified AS MATERIALIZED (
  SELECT pg_catalog.pg_notify(${insertChannel}, ${notifyPayload('queues.queue')})
  FROM (SELECT changed.queue FROM changed WHERE changed.notifies GROUP BY changed.queue) AS queues
)
SELECT (SELECT pg_catalog.count(*) FROM changed)::pg_catalog.text AS changed,
  (SELECT pg_catalog.count(*) FROM notified)::pg_catalog.text AS notified`,
  );
}
