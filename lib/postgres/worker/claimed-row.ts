import { statesOfBits } from '../../insert/unique/unique-key.js';
import { decodeJson } from '../../job/decode-json.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { JobState } from '../../job/row/job-state.js';
import type { TextRow } from '../driver/pg-client.js';
import { decodeArray, decodeAttemptError } from '../rows/job-columns.js';

const seconds = (column: string): string =>
  `pg_catalog.date_part('epoch', job.${column})::pg_catalog.text AS ${column}`;

/**
 * The columns of a claimed row. Thousands are read in a second, so that the forms are those that cost least,
 * and what handlers seldom read is decoded when it is read.
 */
export const CLAIMED_COLUMNS = [
  'job.id::pg_catalog.text AS id',
  'job.args::pg_catalog.text AS args',
  'job.attempt::pg_catalog.text AS attempt',
  seconds('attempted_at'),
  'pg_catalog.to_jsonb(job.attempted_by)::pg_catalog.text AS attempted_by',
  seconds('created_at'),
  'pg_catalog.to_jsonb(job.errors)::pg_catalog.text AS errors',
  'job.kind',
  'job.max_attempts::pg_catalog.text AS max_attempts',
  'job.metadata::pg_catalog.text AS metadata',
  'job.priority::pg_catalog.text AS priority',
  seconds('scheduled_at'),
  'pg_catalog.to_jsonb(job.tags)::pg_catalog.text AS tags',
  "pg_catalog.encode(job.unique_key, 'hex') AS unique_key",
  'job.unique_states::pg_catalog.text AS unique_states',
].join(', ');

/** The job of a row that was selected as {@link CLAIMED_COLUMNS}; a plain object, whatever copies it. */
export function claimedJob(row: TextRow, queue: string): JobRow {
  const { id, kind, args = '{}', errors = null, attempted_by: attemptedBy = null } = row;
  const encodedArgs = args ?? '{}';
  return {
    id: id ?? '0',
    get args() {
      return own(this, 'args', decodeJson(encodedArgs));
    },
    encodedArgs,
    attempt: Number(row['attempt']),
    get attemptedAt() {
      return own(this, 'attemptedAt', timeOf(row['attempted_at']));
    },
    get attemptedBy() {
      return own(this, 'attemptedBy', decodeArray(attemptedBy) as string[]);
    },
    get createdAt() {
      return own(this, 'createdAt', timeOf(row['created_at']));
    },
    get errors() {
      return own(
        this,
        'errors',
        errors === null ? [] : decodeArray(errors).map(decodeAttemptError),
      );
    },
    finalizedAt: null,
    kind: kind ?? '',
    maxAttempts: Number(row['max_attempts']),
    get metadata() {
      return own(this, 'metadata', decodeJson(row['metadata'] ?? '{}') as Record<string, unknown>);
    },
    priority: Number(row['priority']),
    queue,
    get scheduledAt() {
      return own(this, 'scheduledAt', timeOf(row['scheduled_at']));
    },
    state: 'running',
    get tags() {
      return own(this, 'tags', decodeArray(row['tags']) as string[]);
    },
    uniqueKey: row['unique_key'] ?? null,
    get uniqueStates(): readonly JobState[] | null {
      const bits = row['unique_states'];
      return own(this, 'uniqueStates', bits == null ? null : statesOfBits(bits));
    },
  };
}

/** Decoded once, and from then on an ordinary property. */
function own<T>(job: object, name: string, value: T): T {
  Object.defineProperty(job, name, { value, enumerable: true });
  return value;
}

/** Seconds since 1970 with six digits of a fraction, cut to the milliseconds that a Date holds. */
function timeOf(seconds: string | null | undefined): Date {
  return new Date(Math.floor(Math.round(Number(seconds ?? Number.NaN) * 1e6) / 1e3));
}
