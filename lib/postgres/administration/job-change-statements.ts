import type { JobState } from '../../job/row/job-state.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/**
 * What can be done to one job. Each takes its id as $1 and answers its newest row, changed or not,
 * with `changed`; no row when the job does not exist.
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
  WHERE job.id OPERATOR(pg_catalog.=) found.id AND NOT ${isFinal('found')}`,
      notify: notifyOfCancel(schema),
    }),
    retry: changeStatement(schema, {
      operation: 'jobRetry',
      change: `UPDATE ${table} AS job
  SET ${retried('found')}
  FROM found
  WHERE job.id OPERATOR(pg_catalog.=) found.id AND NOT ${isIn('found', 'running')} AND NOT ${isDue('found')}`,
    }),
    rescue: changeStatement(schema, {
      operation: 'jobRescue',
      change: `UPDATE ${table} AS job
  SET ${rescued(schema, 'found')}
  FROM found
  WHERE job.id OPERATOR(pg_catalog.=) found.id AND ${isIn('found', 'running')}
    AND found.attempted_at OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-)
      pg_catalog.make_interval(secs => $2::pg_catalog.float8 OPERATOR(pg_catalog./) 1000))`,
    }),
    delete: changeStatement(schema, {
      operation: 'jobDelete',
      change: `DELETE FROM ${table} AS job USING found
  WHERE job.id OPERATOR(pg_catalog.=) found.id AND NOT ${isIn('found', 'running')}`,
    }),
    update: changeStatement(schema, {
      operation: 'jobUpdate',
      change: `UPDATE ${table} AS job
  SET metadata = coalesce(found.metadata OPERATOR(pg_catalog.||) $2::pg_catalog.jsonb, found.metadata)
  FROM found
  WHERE job.id OPERATOR(pg_catalog.=) found.id
    AND ($2::pg_catalog.jsonb IS NULL OR ${hasObject('found')})`,
    }),
  };
}

/** Whether a row is in a state. */
export function isIn(row: string, state: JobState): string {
  return `${row}.state OPERATOR(pg_catalog.=) '${state}'`;
}

/** Whether the state of a row is one of the last. */
export function isFinal(row: string): string {
  return `${row}.state OPERATOR(pg_catalog.=) ANY ('{cancelled,completed,discarded}')`;
}

/** Whether the metadata of a row is an object. */
export function hasObject(row: string): string {
  return `pg_catalog.jsonb_typeof(${row}.metadata) OPERATOR(pg_catalog.=) 'object'`;
}

/** Whether a row can be worked already. */
function isDue(row: string): string {
  return `(${isIn(row, 'available')} AND ${row}.scheduled_at OPERATOR(pg_catalog.<) pg_catalog.now())`;
}

/** What a cancellation sets, of a row that is not final. */
export function cancelled(row: string): string {
  const marked = `pg_catalog.jsonb_set(${row}.metadata, '{${CANCEL_MARK}}', pg_catalog.to_jsonb(${UTC_NOW}))`;
  return `state = CASE WHEN ${isIn(row, 'running')} THEN ${row}.state ELSE 'cancelled' END,
    finalized_at = CASE WHEN NOT ${isIn(row, 'running')} THEN pg_catalog.now() END,
    metadata = ${ofObject(row, marked)}`;
}

/** Notifies the worker that runs the row `job`. */
export function notifyOfCancel({ controlChannel }: SchemaName): string {
  return `pg_catalog.pg_notify(${controlChannel}, pg_catalog.json_build_object(
  'action', 'cancel', 'job_id', job.id, 'queue', job.queue)::pg_catalog.text)`;
}

/** What a retry sets, of a row that is not running. */
export function retried(row: string): string {
  return `state = 'available', finalized_at = NULL, scheduled_at = pg_catalog.now(),
    max_attempts = ${row}.max_attempts OPERATOR(pg_catalog.+)
      (${row}.attempt OPERATOR(pg_catalog.=) ${row}.max_attempts)::int,
    metadata = ${ofObject(row, `${row}.metadata OPERATOR(pg_catalog.-) '${CANCEL_MARK}'`)}`;
}

/** River's own metadata key. */
export const RESCUE_COUNT = 'river:rescue_count';
/** The longest of Go's durations, which ends the growth of the delay of a retry. */
export const LONGEST_DELAY_S = 9_223_372_036;

/**
 * What River's own rescuer sets, of a row that runs: `cancelled` where that was asked for, `retryable`
 * by River's default policy (the fourth power of the number of errors in seconds, ten per cent more or
 * less) while attempts are left, else `discarded`.
 */
function rescued({ prefix }: SchemaName, row: string): string {
  const typeOf = (key: string): string =>
    `pg_catalog.jsonb_typeof(${row}.metadata OPERATOR(pg_catalog.->) '${key}')`;
  const isCancelled = `coalesce(${typeOf(CANCEL_MARK)}, 'null') OPERATOR(pg_catalog.<>) 'null'`;
  const isRetried = `${row}.attempt OPERATOR(pg_catalog.<) ${row}.max_attempts`;
  const failures = `(coalesce(pg_catalog.cardinality(${row}.errors), 0) OPERATOR(pg_catalog.+) 1)`;
  const spread = '(0.9 OPERATOR(pg_catalog.+) (0.2 OPERATOR(pg_catalog.*) pg_catalog.random()))';
  const delay = `least((${failures} OPERATOR(pg_catalog.^) 4) OPERATOR(pg_catalog.*) ${spread}, ${LONGEST_DELAY_S})`;
  const choose = (cancelled: string, retried: string, discarded: string): string =>
    `CASE WHEN ${isCancelled} THEN ${cancelled} WHEN ${isRetried} THEN ${retried} ELSE ${discarded} END`;
  const count = `(CASE WHEN ${typeOf(RESCUE_COUNT)} OPERATOR(pg_catalog.=) 'number'
      THEN (${row}.metadata OPERATOR(pg_catalog.->) '${RESCUE_COUNT}')::numeric ELSE 0 END) OPERATOR(pg_catalog.+) 1`;
  const later = `pg_catalog.now() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => ${delay})`;
  const counted = `${row}.metadata OPERATOR(pg_catalog.||)
      pg_catalog.jsonb_build_object('${RESCUE_COUNT}', ${count})`;
  return `state = (${choose(`'cancelled'`, `'retryable'`, `'discarded'`)})::${prefix}river_job_state,
    finalized_at = ${choose('pg_catalog.now()', 'NULL', 'pg_catalog.now()')},
    scheduled_at = ${choose(`${row}.scheduled_at`, later, `${row}.scheduled_at`)},
    errors = pg_catalog.array_append(${row}.errors, pg_catalog.jsonb_build_object('at', ${UTC_NOW}, 'attempt', greatest(${row}.attempt, 0),
      'error', 'Stuck job rescued by JobRescuer', 'trace', '')),
    metadata = ${ofObject(row, counted)}`;
}

const UTC_NOW = `pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Go stores any JSON as metadata; only an object has keys to set or to take away. */
function ofObject(row: string, changed: string): string {
  return `CASE WHEN ${hasObject(row)} THEN ${changed} ELSE ${row}.metadata END`;
}

interface Change {
  readonly operation: string;
  /** From the row `found`, in the row `job` of the table. */
  readonly change: string;
  /** Whom to notify of a change. */
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
  SELECT * FROM ${prefix}river_job WHERE id OPERATOR(pg_catalog.=) $1::bigint FOR UPDATE
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
