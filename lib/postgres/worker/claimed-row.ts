import { statesOfBits } from '../../insert/unique/unique-key.js';
import { decodeJson } from '../../job/decode-json.js';
import type { AttemptError, JobRowFields } from '../../job/row/job-row.js';
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
  // Mostly the client alone.
  `CASE WHEN pg_catalog.array_length(job.attempted_by, 1) OPERATOR(pg_catalog.>) 1
    THEN pg_catalog.to_jsonb(job.attempted_by)::pg_catalog.text END AS attempted_by`,
  seconds('created_at'),
  'pg_catalog.to_jsonb(job.errors)::pg_catalog.text AS errors',
  'job.kind',
  'job.max_attempts::pg_catalog.text AS max_attempts',
  'job.metadata::pg_catalog.text AS metadata',
  'job.priority::pg_catalog.text AS priority',
  seconds('scheduled_at'),
  "CASE WHEN job.tags OPERATOR(pg_catalog.<>) '{}' THEN pg_catalog.to_jsonb(job.tags)::pg_catalog.text END AS tags",
  "pg_catalog.encode(job.unique_key, 'hex') AS unique_key",
  'job.unique_states::pg_catalog.text AS unique_states',
].join(', ');

/**
 * A row that was selected as {@link CLAIMED_COLUMNS}. What methods seldom read is decoded when it is read.
 */
export class ClaimedRow implements JobRowFields {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly #row: TextRow;
  readonly #clientId: string;
  #args: unknown;
  #errors: readonly AttemptError[] | undefined;
  #metadata: Readonly<Record<string, unknown>> | undefined;

  /** @param claim the queue and the client of the statement */
  constructor(row: TextRow, { queue, clientId }: { queue: string; clientId: string }) {
    this.id = row['id'] ?? '0';
    this.kind = row['kind'] ?? '';
    this.queue = queue;
    this.attempt = Number(row['attempt']);
    this.maxAttempts = Number(row['max_attempts']);
    this.#row = row;
    this.#clientId = clientId;
  }

  get args(): unknown {
    return (this.#args ??= decodeJson(this.encodedArgs));
  }

  /** @internal What the schema of a handler makes of them. */
  set args(value: unknown) {
    this.#args = value;
  }

  get encodedArgs(): string {
    return this.#row['args'] ?? '{}';
  }

  /** @internal `attemptedAt` in seconds since 1970, with all digits. */
  get claimedAt(): string {
    return this.#row['attempted_at'] ?? '';
  }

  get attemptedAt(): Date {
    return timeOf(this.#row['attempted_at']);
  }

  get attemptedBy(): readonly string[] {
    const earlier = this.#row['attempted_by'];
    return earlier == null ? [this.#clientId] : (decodeArray(earlier) as string[]);
  }

  get createdAt(): Date {
    return timeOf(this.#row['created_at']);
  }

  get errors(): readonly AttemptError[] {
    return (this.#errors ??= decodeArray(this.#row['errors']).map(decodeAttemptError));
  }

  get finalizedAt(): null {
    return null;
  }

  get metadata(): Readonly<Record<string, unknown>> {
    return (this.#metadata ??= decodeJson(this.#row['metadata'] ?? '{}') as Record<
      string,
      unknown
    >);
  }

  get priority(): number {
    return Number(this.#row['priority']);
  }

  get scheduledAt(): Date {
    return timeOf(this.#row['scheduled_at']);
  }

  get state(): JobState {
    return 'running';
  }

  get tags(): readonly string[] {
    return decodeArray(this.#row['tags']) as string[];
  }

  get uniqueKey(): string | null {
    return this.#row['unique_key'] ?? null;
  }

  get uniqueStates(): readonly JobState[] | null {
    const bits = this.#row['unique_states'];
    return bits == null ? null : statesOfBits(bits);
  }

  /** The row as a plain object, as the client returns rows. */
  toJSON(): JobRowFields {
    const { id, args, encodedArgs, attempt, attemptedAt, attemptedBy, createdAt, errors } = this;
    const { finalizedAt, kind, maxAttempts, metadata, priority, queue, scheduledAt, state } = this;
    const { tags, uniqueKey, uniqueStates } = this;
    return {
      id,
      args,
      encodedArgs,
      attempt,
      attemptedAt,
      attemptedBy,
      createdAt,
      errors,
      finalizedAt,
      kind,
      maxAttempts,
      metadata,
      priority,
      queue,
      scheduledAt,
      state,
      tags,
      uniqueKey,
      uniqueStates,
    };
  }
}

/** Seconds since 1970 with six digits of a fraction, cut to the milliseconds that a Date holds. */
function timeOf(seconds: string | null | undefined): Date {
  return new Date(Math.floor(Math.round(Number(seconds ?? Number.NaN) * 1e6) / 1e3));
}
