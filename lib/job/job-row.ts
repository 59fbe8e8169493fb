import type { JobState } from './job-state.js';
import type { Jsonify } from './jsonify.js';

/** One failed attempt, as a worker recorded it. */
export interface AttemptError {
  readonly at: Date;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly error: string;
  /** The worker's stack trace; '' when it recorded none. */
  readonly trace: string;
}

/** The columns of a row of `river_job`, under their names in camelCase. */
export interface JobRowFields<JsonArgs = unknown> {
  /** River's ids are 64-bit integers. */
  readonly id: bigint;
  /** The args as JSON gives them back. Integers beyond 2^53 are bigints. */
  readonly args: JsonArgs;
  /** The JSON text of the args: as sent for a job just inserted, as jsonb prints it otherwise. */
  readonly encodedArgs: string;
  /** Attempts made so far; 0 before the first. */
  readonly attempt: number;
  readonly attemptedAt: Date | null;
  /** Ids of the clients that worked the job. */
  readonly attemptedBy: readonly string[];
  readonly createdAt: Date;
  readonly errors: readonly AttemptError[];
  readonly finalizedAt: Date | null;
  readonly kind: string;
  readonly maxAttempts: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** 1 is worked first, 4 last. */
  readonly priority: number;
  readonly queue: string;
  /** When the job may be worked. */
  readonly scheduledAt: Date;
  readonly state: JobState;
  readonly tags: readonly string[];
  /** The 32 bytes of the unique key; null for a job without one. */
  readonly uniqueKey: Uint8Array | null;
  /** The states in which this row stands in the way of a duplicate; null without a unique key. */
  readonly uniqueStates: readonly JobState[] | null;
}

/**
 * A job as it is stored. `JSON.stringify` of it works, so that a controller can return it: bigints
 * become decimal strings, the unique key hexadecimal.
 */
class StoredJobRow<out JsonArgs = unknown> implements JobRowFields<JsonArgs> {
  declare readonly id: bigint;
  declare readonly args: JsonArgs;
  declare readonly encodedArgs: string;
  declare readonly attempt: number;
  declare readonly attemptedAt: Date | null;
  declare readonly attemptedBy: readonly string[];
  declare readonly createdAt: Date;
  declare readonly errors: readonly AttemptError[];
  declare readonly finalizedAt: Date | null;
  declare readonly kind: string;
  declare readonly maxAttempts: number;
  declare readonly metadata: Readonly<Record<string, unknown>>;
  declare readonly priority: number;
  declare readonly queue: string;
  declare readonly scheduledAt: Date;
  declare readonly state: JobState;
  declare readonly tags: readonly string[];
  declare readonly uniqueKey: Uint8Array | null;
  declare readonly uniqueStates: readonly JobState[] | null;

  constructor(fields: JobRowFields<JsonArgs>) {
    Object.assign(this, fields);
  }

  /** A plain object that JSON can hold: bigints as decimal strings, the unique key as hex. */
  toJSON(): Record<string, unknown> {
    const { uniqueKey, ...fields } = this;
    return {
      ...(withoutBigints(fields) as Record<string, unknown>),
      uniqueKey: uniqueKey === null ? null : Buffer.from(uniqueKey).toString('hex'),
    };
  }
}

/** A job whose args are of type `Args`; `args` is what JSON makes of them. */
export type JobRow<Args = unknown> = StoredJobRow<Jsonify<Args>>;
export const JobRow = StoredJobRow;

function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(withoutBigints);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutBigints(each)]),
  );
}
