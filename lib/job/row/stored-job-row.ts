import { JOB_STATES, type JobState } from './job-state.js';

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
  /** The decimal digits of a 64-bit integer, as TypeORM gives them for a `bigint` column. */
  readonly id: string;
  /** The args as JSON gives them back. Integers beyond 2^53 are strings of their digits. */
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
  /** Integers beyond 2^53 are strings of their digits. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** 1 is worked first, 4 last. */
  readonly priority: number;
  readonly queue: string;
  /** When the job may be worked. */
  readonly scheduledAt: Date;
  readonly state: JobState;
  readonly tags: readonly string[];
  /** The 32 bytes of the unique key in hexadecimal; null for a job without one. */
  readonly uniqueKey: string | null;
  /** The states in which this row conflicts with a duplicate; null without a unique key. */
  readonly uniqueStates: readonly JobState[] | null;
}

const required = (type: unknown, rest: object = {}): object => ({ required: true, type, ...rest });
const text = (description?: string): object => required('string', { description });
const integer = (rest?: object): object => required('integer', rest);
const time = (rest?: object): object => required('string', { format: 'date-time', ...rest });
const list = (items: unknown, rest?: object): object => required(items, { isArray: true, ...rest });
const json = required('object', { additionalProperties: true });
const state = { required: true, enum: JOB_STATES, enumName: 'JobState' };

/** An {@link AttemptError} for `@nestjs/swagger`. */
class JobAttemptError {
  static _OPENAPI_METADATA_FACTORY(): Record<keyof AttemptError, object> {
    return { at: time(), attempt: integer(), error: text(), trace: text() };
  }
}

/** What `@nestjs/swagger` shows of each field. */
const SCHEMA = {
  id: text('Decimal digits of a 64-bit integer'),
  args: json,
  encodedArgs: text('The JSON text of the args'),
  attempt: integer({ description: 'Attempts made so far' }),
  attemptedAt: time({ nullable: true }),
  attemptedBy: list('string'),
  createdAt: time(),
  errors: list(JobAttemptError, { description: 'One for each failed attempt' }),
  finalizedAt: time({ nullable: true }),
  kind: text(),
  maxAttempts: integer(),
  metadata: json,
  priority: integer({ minimum: 1, maximum: 4 }),
  queue: text(),
  scheduledAt: time(),
  state,
  tags: list('string'),
  uniqueKey: required('string', { nullable: true, description: '32 bytes in hexadecimal' }),
  uniqueStates: { ...state, isArray: true, nullable: true },
} satisfies Record<keyof JobRowFields, object>;

const FIELDS = Object.keys(SCHEMA);

/**
 * A job as it is stored.
 *
 * The rows that a client returns are plain objects of strings, numbers, dates, lists and plain
 * objects, so that whatever serializes or copies a response takes them as they are: a serializer that
 * treats objects of classes by rules of its own finds none here. The class is for type positions that
 * need a value (Swagger), and for `instanceof`, which is true for every object with these fields: a
 * copy of a row, or one of another installed copy of this package.
 */
export class JobRow<out JsonArgs = unknown> implements JobRowFields<JsonArgs> {
  declare readonly id: string;
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
  declare readonly uniqueKey: string | null;
  declare readonly uniqueStates: readonly JobState[] | null;

  constructor(fields: JobRowFields<JsonArgs>) {
    Object.assign(this, fields);
  }

  /** @internal read by `@nestjs/swagger`, whose own compiler plugin writes it into classes */
  static _OPENAPI_METADATA_FACTORY(): Record<string, object> {
    return SCHEMA;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    if (this !== JobRow) return Function.prototype[Symbol.hasInstance].call(this, value);
    return (
      typeof value === 'object' &&
      value !== null &&
      FIELDS.every((field) => Object.hasOwn(value, field))
    );
  }
}
