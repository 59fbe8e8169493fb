import { statesOfBits } from '../../insert/unique/unique-key.js';
import { decodeJson } from '../../job/decode-json.js';
import type { AttemptError, JobRow } from '../../job/row/job-row.js';
import type { JobState } from '../../job/row/job-state.js';
import type { TextRow } from '../driver/pg-client.js';
import { decodeTime, epochMilliseconds } from './timestamp.js';

const milliseconds = (column: string): string =>
  `${epochMilliseconds(`job.${column}`)} AS ${column}`;

/**
 * The columns of `river_job AS job`, in forms whose text does not depend on the session's settings
 * (TimeZone, DateStyle, bytea_output). Listed, since `*` in a prepared statement fails once a
 * column is added.
 */
export const JOB_COLUMNS = [
  'job.id::pg_catalog.text AS id',
  'job.args::pg_catalog.text AS args',
  'job.attempt::pg_catalog.text AS attempt',
  milliseconds('attempted_at'),
  'pg_catalog.to_jsonb(job.attempted_by)::pg_catalog.text AS attempted_by',
  milliseconds('created_at'),
  'pg_catalog.to_jsonb(job.errors)::pg_catalog.text AS errors',
  milliseconds('finalized_at'),
  'job.kind',
  'job.max_attempts::pg_catalog.text AS max_attempts',
  'job.metadata::pg_catalog.text AS metadata',
  'job.priority::pg_catalog.text AS priority',
  'job.queue',
  milliseconds('scheduled_at'),
  'job.state::pg_catalog.text AS state',
  'pg_catalog.to_jsonb(job.tags)::pg_catalog.text AS tags',
  "pg_catalog.encode(job.unique_key, 'hex') AS unique_key",
  'job.unique_states::pg_catalog.text AS unique_states',
].join(', ');

/** The job of a row that was selected as {@link JOB_COLUMNS}. */
export function decodeJob(row: TextRow): JobRow {
  const encodedArgs = row['args'] ?? '{}';
  return {
    id: row['id'] ?? '0',
    args: decodeJson(encodedArgs),
    encodedArgs,
    attempt: Number(row['attempt']),
    attemptedAt: decodeTime(row['attempted_at']),
    attemptedBy: decodeArray(row['attempted_by']) as string[],
    createdAt: decodeTime(row['created_at']) ?? new Date(Number.NaN),
    errors: decodeArray(row['errors']).map(decodeAttemptError),
    finalizedAt: decodeTime(row['finalized_at']),
    kind: row['kind'] ?? '',
    maxAttempts: Number(row['max_attempts']),
    metadata: decodeJson(row['metadata'] ?? '{}') as Record<string, unknown>,
    priority: Number(row['priority']),
    queue: row['queue'] ?? '',
    scheduledAt: decodeTime(row['scheduled_at']) ?? new Date(Number.NaN),
    state: row['state'] as JobState,
    tags: decodeArray(row['tags']) as string[],
    uniqueKey: row['unique_key'] ?? null,
    uniqueStates: row['unique_states'] == null ? null : statesOfBits(row['unique_states']),
  };
}

/** The elements of an array that was selected by `to_jsonb`. */
export function decodeArray(text: string | null | undefined): unknown[] {
  const value: unknown = text == null ? null : decodeJson(text);
  return Array.isArray(value) ? value : [];
}

/** Lenient: whatever a worker recorded must not keep the job from being shown. */
export function decodeAttemptError(value: unknown): AttemptError {
  const { at, attempt, error, trace } = Object(value) as Record<string, unknown>;
  return {
    at: new Date(typeof at === 'string' ? at : Number.NaN),
    attempt: Number(attempt ?? 0),
    error: typeof error === 'string' ? error : '',
    trace: typeof trace === 'string' ? trace : '',
  };
}
