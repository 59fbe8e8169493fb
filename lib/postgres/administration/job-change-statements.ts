import { JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/**
 * What can be done to one job. Each takes its id as $1 and answers its newest row, changed or not,
 * with `changed`; no row when there is no such job.
 */
export interface JobChangeStatements {
  readonly cancel: Statement;
  readonly retry: Statement;
  readonly delete: Statement;
  /** $2 is how long ago, in milliseconds, the attempt of a stuck job has begun at least. */
  readonly rescue: Statement;
  /** $2 is the JSON text of an object to put over the metadata, or null; not changed where these are none. */
  readonly update: Statement;
}

/** River's own metadata key: the client that works the job looks for it, and so does the rescuer. */
export const CANCEL_MARK = 'cancel_attempted_at';

export function jobChangeStatements(schema: SchemaName): JobChangeStatements {
  const table = `${schema.prefix}river_job`;
  return {
    cancel: changeStatement(schema, {
      operation: 'jobCancel',
      change: `UPDATE ${table} AS job
  SET ${cancelled('found')}
  FROM found
  WHERE job.id = found.id AND found.state NOT IN ('cancelled', 'completed', 'discarded')`,
      notify: notifyOfCancel(schema),
    }),
    retry: changeStatement(schema, {
      operation: 'jobRetry',
      change: `UPDATE ${table} AS job
  SET ${retried('found')}
  FROM found
  WHERE job.id = found.id AND found.state <> 'running'
    AND NOT (found.state = 'available' AND found.scheduled_at < now())`,
    }),
    rescue: changeStatement(schema, {
      operation: 'jobRescue',
      change: `UPDATE ${table} AS job
  SET ${rescued(schema, 'found')}
  FROM found
  WHERE job.id = found.id AND found.state = 'running'
    AND found.attempted_at < now() - make_interval(secs => $2::float8 / 1000)`,
    }),
    delete: changeStatement(schema, {
      operation: 'jobDelete',
      change: `DELETE FROM ${table} AS job USING found
  WHERE job.id = found.id AND found.state <> 'running'`,
    }),
    update: changeStatement(schema, {
      operation: 'jobUpdate',
      change: `UPDATE ${table} AS job
  SET metadata = coalesce(found.metadata || $2::jsonb, found.metadata)
  FROM found
  WHERE job.id = found.id AND ($2::jsonb IS NULL OR jsonb_typeof(found.metadata) = 'object')`,
    }),
  };
}

/** What a cancellation sets, of a row that is not final. */
export function cancelled(row: string): string {
  const marked = `jsonb_set(${row}.metadata, '{${CANCEL_MARK}}', to_jsonb(${UTC_NOW}))`;
  return `state = CASE WHEN ${row}.state = 'running' THEN ${row}.state ELSE 'cancelled' END,
    finalized_at = CASE WHEN ${row}.state <> 'running' THEN now() END,
    metadata = ${ofObject(row, marked)}`;
}

/** Notifies the worker that runs the row `job`. */
export function notifyOfCancel({ controlChannel }: SchemaName): string {
  return `pg_notify(${controlChannel}, json_build_object(
  'action', 'cancel', 'job_id', job.id, 'queue', job.queue)::text)`;
}

/** What a retry sets, of a row that is not running. */
export function retried(row: string): string {
  return `state = 'available', finalized_at = NULL, scheduled_at = now(),
    max_attempts = ${row}.max_attempts + (${row}.attempt = ${row}.max_attempts)::int,
    metadata = ${ofObject(row, `${row}.metadata - '${CANCEL_MARK}'`)}`;
}

/** River's own metadata key. */
const RESCUE_COUNT = 'river:rescue_count';
/** The longest of Go's durations, which ends the growth of the delay of a retry. */
const LONGEST_DELAY_S = 9_223_372_036;

/**
 * What River's own rescuer sets, of a row that runs: `cancelled` where that was asked for, `retryable`
 * by River's default policy (the fourth power of the number of errors in seconds, ten per cent more or
 * less) while attempts are left, else `discarded`.
 */
function rescued({ prefix }: SchemaName, row: string): string {
  const isCancelled = `coalesce(jsonb_typeof(${row}.metadata -> '${CANCEL_MARK}'), 'null') <> 'null'`;
  const isRetried = `${row}.attempt < ${row}.max_attempts`;
  const delay = `least((coalesce(cardinality(${row}.errors), 0) + 1) ^ 4 * (0.9 + 0.2 * random()), ${LONGEST_DELAY_S})`;
  const choose = (cancelled: string, retried: string, discarded: string): string =>
    `CASE WHEN ${isCancelled} THEN ${cancelled} WHEN ${isRetried} THEN ${retried} ELSE ${discarded} END`;
  const count = `CASE jsonb_typeof(${row}.metadata -> '${RESCUE_COUNT}') WHEN 'number'
      THEN (${row}.metadata -> '${RESCUE_COUNT}')::numeric ELSE 0 END + 1`;
  return `state = (${choose(`'cancelled'`, `'retryable'`, `'discarded'`)})::${prefix}river_job_state,
    finalized_at = ${choose('now()', 'NULL', 'now()')},
    scheduled_at = ${choose(`${row}.scheduled_at`, `now() + make_interval(secs => ${delay})`, `${row}.scheduled_at`)},
    errors = array_append(${row}.errors, jsonb_build_object('at', ${UTC_NOW}, 'attempt', greatest(${row}.attempt, 0),
      'error', 'Stuck job rescued by JobRescuer', 'trace', '')),
    metadata = ${ofObject(row, `${row}.metadata || jsonb_build_object('${RESCUE_COUNT}', ${count})`)}`;
}

const UTC_NOW = `to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Go stores any JSON as metadata; only an object has keys to set or to take away. */
function ofObject(row: string, changed: string): string {
  return `CASE jsonb_typeof(${row}.metadata) WHEN 'object' THEN ${changed} ELSE ${row}.metadata END`;
}

interface Change {
  readonly operation: string;
  /** From the row `found`, in the row `job` of the table. */
  readonly change: string;
  /** Whom to tell of a change. */
  readonly notify?: string;
}

/** Takes the lock on the row first, so that its newest version is the one that is judged. */
function changeStatement(
  { prefix }: SchemaName,
  { operation, change, notify = 'NULL' }: Change,
): Statement {
  return statement(
    operation,
    `WITH found AS MATERIALIZED (
  SELECT * FROM ${prefix}river_job WHERE id = $1::bigint FOR UPDATE
), changed AS (
  ${change}
  RETURNING job.*
)
SELECT job.changed, CASE WHEN job.changed THEN ${notify} END AS notified, ${JOB_COLUMNS}
FROM (
  SELECT true AS changed, * FROM changed
  UNION ALL
  SELECT false, * FROM found WHERE NOT EXISTS (SELECT FROM changed)
) AS job`,
  );
}
