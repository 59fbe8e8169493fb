import { describeValue } from '../../errors/describe-value.js';
import { isAbortSignal } from '../../errors/is-abort-signal.js';
import { nameText } from '../../errors/name-text.js';
import { reading } from '../../errors/reading.js';
import { RiverTransactionError } from '../../errors/transaction-errors.js';

/** Postgres' isolation levels, as TypeORM names them. */
export type IsolationLevel =
  'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/**
 * What to do about a transaction that is open already, by the names that Spring has coined:
 *
 * | | in a transaction | outside of one |
 * |---|---|---|
 * | `REQUIRED` | joins it | opens one |
 * | `REQUIRES_NEW` | opens one on a connection of its own | opens one |
 * | `NESTED` | opens a savepoint in it | opens one |
 * | `MANDATORY` | joins it | is refused |
 * | `SUPPORTS` | joins it | runs without |
 * | `NOT_SUPPORTED` | runs outside of it | runs without |
 * | `NEVER` | is refused | runs without |
 */
export type Propagation =
  'REQUIRED' | 'REQUIRES_NEW' | 'NESTED' | 'MANDATORY' | 'SUPPORTS' | 'NOT_SUPPORTED' | 'NEVER';

/** How `run` opens or joins a transaction. */
export interface RiverTransactionOptions {
  /** Default `REQUIRED`. */
  readonly propagation?: Propagation | undefined;
  /** Default: the data source's, which is READ COMMITTED unless configured otherwise. */
  readonly isolation?: IsolationLevel | undefined;
  /** Opens the transaction READ ONLY: writing statements, inserts of jobs too, fail. Default false. */
  readonly readOnly?: boolean | undefined;
  /** Milliseconds that a statement may take (`statement_timeout`). Default: the session's. */
  readonly statementTimeoutMs?: number | undefined;
  /** Milliseconds that a statement may wait for a lock (`lock_timeout`). Default: the session's. */
  readonly lockTimeoutMs?: number | undefined;
  /** Milliseconds that the whole may take before it is rolled back. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /**
   * How often to run it all again, in a new transaction, after a serialization failure or a deadlock
   * (SQLSTATE 40001, 40P01). Only the outermost transaction does. Make entities inside the callback:
   * one that an earlier attempt saved has an id, and would be updated instead of inserted. Default 0.
   */
  readonly retries?: number | undefined;
  /** Milliseconds to wait at the end for what was begun and not awaited. Default 5000. */
  readonly unawaitedLimitMs?: number | undefined;
  /**
   * Asks for the transaction's id, so that `CommitOutcomeUnknownError.resolve()` can tell although no
   * job was inserted. One more round trip. Default false.
   */
  readonly trackOutcome?: boolean | undefined;
  /**
   * What becomes of work that was started in the transaction and outlives it (timers, pollers):
   * `refuse`: its statements fail with TransactionEndedError. `detach`: it runs outside of any
   * transaction. Default `refuse`.
   */
  readonly afterEnd?: 'refuse' | 'detach' | undefined;
  /** Rolls back when raised before the end. */
  readonly signal?: AbortSignal | undefined;
}

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isCount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2_147_483_647;
const oneOf =
  (...values: string[]) =>
  (value: unknown): boolean =>
    values.includes(value as string);

const PROPAGATIONS = [
  'REQUIRED',
  'REQUIRES_NEW',
  'NESTED',
  'MANDATORY',
  'SUPPORTS',
  'NOT_SUPPORTED',
  'NEVER',
] satisfies Propagation[];
const LEVELS = [
  'READ UNCOMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
] satisfies IsolationLevel[];

/** Whether Postgres has an isolation level of this name, as TypeORM writes it. */
export function isIsolationLevel(value: unknown): value is IsolationLevel {
  return (LEVELS as readonly unknown[]).includes(value);
}

const MILLISECONDS = 'must be whole milliseconds, 0 or more';

const RULES: Record<keyof RiverTransactionOptions, [(value: unknown) => boolean, string]> = {
  propagation: [oneOf(...PROPAGATIONS), `must be one of ${PROPAGATIONS.join(', ')}`],
  isolation: [isIsolationLevel, `must be one of ${LEVELS.join(', ')}`],
  readOnly: [isBoolean, 'must be true or false'],
  statementTimeoutMs: [isCount, MILLISECONDS],
  lockTimeoutMs: [isCount, MILLISECONDS],
  timeoutMs: [isCount, MILLISECONDS],
  retries: [isCount, 'must be a whole number, 0 or more'],
  unawaitedLimitMs: [isCount, MILLISECONDS],
  trackOutcome: [isBoolean, 'must be true or false'],
  afterEnd: [oneOf('refuse', 'detach'), "must be 'refuse' or 'detach'"],
  signal: [isAbortSignal, 'must be an AbortSignal'],
};

/** Those of a transaction for which none were given. */
export const NO_OPTIONS: RiverTransactionOptions = Object.freeze({});

/**
 * @returns a copy, so that what was checked is what holds
 * @throws RiverTransactionError naming the option and its rule
 */
export function checkTransactionOptions(given: RiverTransactionOptions): RiverTransactionOptions {
  if (given === NO_OPTIONS) return given;
  const options = reading(refused.bind(undefined, 'options'), () => ({ ...given }));
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof typeof RULES] : undefined;
    if (rule === undefined) {
      throw refused(
        nameText(name),
        `there is no such option. The options are ${Object.keys(RULES).join(', ')}`,
      );
    }
    if (!rule[0](value)) throw refused(name, `${rule[1]}; got ${describeValue(value)}`);
  }
  const { propagation } = options;
  if (propagation !== 'NOT_SUPPORTED' && propagation !== 'NEVER') return options;
  const idle = ([...OF_THE_OPENER, 'timeoutMs', 'retries'] as const).find((name) =>
    isGiven(options[name]),
  );
  if (idle === undefined) return options;
  throw refused(idle, `means nothing with propagation '${propagation}', without a transaction`);
}

/** What only the one who opens a transaction can choose. */
export const OF_THE_OPENER = [
  'isolation',
  'readOnly',
  'statementTimeoutMs',
  'lockTimeoutMs',
  'unawaitedLimitMs',
  'trackOutcome',
  'afterEnd',
] as const;

/** Whether an option says more than its default. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && value !== 0 && value !== 'refuse';
}

function refused(field: string, rule: string, cause?: unknown): RiverTransactionError {
  return new RiverTransactionError(`${field}: ${rule}.`, {
    code: 'RIVER_INVALID_TRANSACTION',
    field,
    cause,
  });
}
