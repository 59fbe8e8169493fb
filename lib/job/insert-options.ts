import type { JobState } from './row/job-state.js';

type Plain = string | number | bigint | boolean | symbol | null | undefined;
type Depth = [never, 0, 1, 2, 3];

/**
 * Dotted paths into what JSON makes of args of type `T`, four levels deep: `'customer'`,
 * `'customer.id'`. Where the type is not known, any string.
 */
export type Path<T, D extends number = 4> = unknown extends T
  ? string
  : T extends { toJSON(...args: never[]): infer Encoded }
    ? Path<Encoded, D>
    : [keyof T & string] extends [never]
      ? string
      : [D] extends [never]
        ? never
        : {
            [K in keyof T & string]-?: NonNullable<T[K]> extends (...args: never[]) => unknown
              ? never
              : NonNullable<T[K]> extends Plain | readonly unknown[] | Date
                ? K
                : K | `${K}.${Path<NonNullable<T[K]>, Depth[D]>}`;
          }[keyof T & string];

/** The top-level keys of what JSON makes of args of type `T`, where the type tells; else any string. */
export type TopLevelKey<T> = unknown extends T
  ? string
  : [keyof T & string] extends [never]
    ? string
    : T extends { toJSON(...args: never[]): infer Encoded }
      ? TopLevelKey<Encoded>
      : T extends unknown
        ? keyof T & string
        : never;

/**
 * What makes a job unique: while an equal job exists in one of the states of {@link byState}, an
 * insert stores nothing and returns that job. At least one dimension is needed; `{}` is not unique.
 */
export interface UniqueOptionsByPath<ArgsPath extends string> {
  /**
   * Equal args. `true`: all of them, or those that `@UniqueArg()` marks. A list: only these, each a dotted path (`'customer.id'`) or
   * an array of literal keys (`['a.b', 'c']`, for keys that contain dots).
   */
  readonly byArgs?: boolean | readonly (ArgsPath | readonly string[])[] | undefined;
  /**
   * The same period of this many **seconds** (fractions allowed, at least 1). Periods are counted
   * from 0001-01-01T00:00:00Z. As in River's Go client, `scheduledAt`, if given, decides, else the clock
   * of this process. On the lock path (see {@link byState}) the `createdAt` that is stored decides.
   */
  readonly byPeriod?: number | undefined;
  /** The same queue. */
  readonly byQueue?: boolean | undefined;
  /**
   * The states in which an existing job stands in the way. Default: all but `cancelled` and
   * `discarded`; an empty list means the default.
   *
   * A list with `available`, `pending`, `running` and `scheduled` in it goes by River's unique index.
   * Any other list goes by an advisory lock and a look-up: three statements instead of one, and not
   * in REPEATABLE READ. `['available', 'scheduled', 'pending']` allows one waiting job while another
   * runs.
   */
  readonly byState?: readonly JobState[] | undefined;
  /** Jobs of other kinds count as equal too. Needs `byArgs`, `byPeriod` or `byQueue` beside it. */
  readonly excludeKind?: boolean | undefined;
}

/** Unique options for args of a type, whose paths `byArgs` knows. */
export type UniqueOptions<Args = unknown> = UniqueOptionsByPath<Path<Args>>;

/** What an insert does when there is no transaction to join. */
export type OutsideTransaction = 'allow' | 'warn' | 'error';

interface CommonInsertOptions<ArgsPath extends string> {
  /** How often the job may be tried, 1 to 32767. Default 25. */
  readonly maxAttempts?: number | null | undefined;
  /** A JSON object kept beside the job. Default `{}`. */
  readonly metadata?: object | null | undefined;
  /** Store the job in state `pending`: it waits until somebody moves it on. Default false. */
  readonly pending?: boolean | null | undefined;
  /** 1 is worked first, 4 last. Default 1. */
  readonly priority?: number | null | undefined;
  /** Lower-case letters and digits, joined by single `_`, `-` or `|`; at most 64. Default `default`. */
  readonly queue?: string | null | undefined;
  /** Labels of 3 to 255 letters, digits, `_` and `-`, beginning and ending without `-`. */
  readonly tags?: readonly string[] | null | undefined;
  /** What to do when there is no transaction to join. Default: the module's, which is `allow`. */
  readonly outsideTransaction?: OutsideTransaction | null | undefined;
  /**
   * Raised before the call, or while the job waits for a statement that it shares, it refuses the
   * insert. A statement that has been asked for runs to its end, also one that waits for a connection.
   */
  readonly signal?: AbortSignal | null | undefined;
  /** Replaced whole by an inner level, never merged. `null` clears an outer default. */
  readonly uniqueOpts?: UniqueOptionsByPath<ArgsPath> | null | undefined;
}

interface ScheduledAt {
  /** When the job may be worked first. The job is stored as `scheduled`, also for a past time. */
  readonly scheduledAt?: Date | null | undefined;
  readonly delay?: undefined;
}

interface Delay {
  /** **Milliseconds** from the database's time until the job may be worked. `0` is now: state `available`. */
  readonly delay?: number | null | undefined;
  readonly scheduledAt?: undefined;
}

/**
 * How a job is to be inserted. Levels, the first that gives an option wins: the call, the instance's
 * `insertOpts()`, its class's `@JobArgs`, the module, River's defaults. `undefined` is "not given";
 * `null` clears what an outer level gave; 0 and '' are values, and refused where out of range.
 */
export type InsertOptionsByPath<ArgsPath extends string> = CommonInsertOptions<ArgsPath> &
  (ScheduledAt | Delay);

/** The options of an insert of args of a type; see {@link InsertOptionsByPath}. */
export type InsertOptions<Args = unknown> = InsertOptionsByPath<Path<Args>>;
