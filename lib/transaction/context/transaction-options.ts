import {
  boolean,
  checkOptions,
  integer,
  milliseconds,
  oneOf,
  refusal,
  signal,
  type Checks,
  type Refuse,
} from '../../errors/checks.js';
import { RiverTransactionError } from '../../errors/transaction-errors.js';

const invalidTransaction = refusal(RiverTransactionError, 'RIVER_INVALID_TRANSACTION');

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
  /** Rolls back when it is aborted before the end. */
  readonly signal?: AbortSignal | undefined;
}

const LEVELS = [
  'READ UNCOMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
] as const satisfies IsolationLevel[];

/** Whether Postgres has an isolation level of this name, as TypeORM writes it. */
export function isIsolationLevel(value: unknown): value is IsolationLevel {
  return (LEVELS as readonly unknown[]).includes(value);
}

export const TRANSACTION_CHECKS: Checks<RiverTransactionOptions> = {
  propagation: oneOf(
    'REQUIRED',
    'REQUIRES_NEW',
    'NESTED',
    'MANDATORY',
    'SUPPORTS',
    'NOT_SUPPORTED',
    'NEVER',
  ),
  isolation: oneOf(...LEVELS),
  readOnly: boolean,
  statementTimeoutMs: milliseconds(),
  lockTimeoutMs: milliseconds(),
  timeoutMs: milliseconds(),
  retries: integer(0, 2_147_483_647),
  unawaitedLimitMs: milliseconds(),
  trackOutcome: boolean,
  afterEnd: oneOf('refuse', 'detach'),
  signal,
};

/** Those of a transaction for which none were given. */
export const NO_OPTIONS: RiverTransactionOptions = Object.freeze({});

/**
 * @returns a copy, so that what was checked is what holds
 * @throws RiverTransactionError naming the option and its rule
 */
export function checkTransactionOptions(given: RiverTransactionOptions): RiverTransactionOptions {
  if (given === NO_OPTIONS) return given;
  const options = checkOptions(given, TRANSACTION_CHECKS, { refuse: invalidTransaction });
  checkPropagation(options, invalidTransaction);
  return options;
}

/** @throws when an option needs a transaction, and there is none with this propagation */
export function checkPropagation(options: RiverTransactionOptions, refuse: Refuse): void {
  const { propagation } = options;
  if (propagation !== 'NOT_SUPPORTED' && propagation !== 'NEVER') return;
  const idle = ([...OF_THE_OPENER, 'timeoutMs', 'retries'] as const).find((name) =>
    isGiven(options[name]),
  );
  if (idle === undefined) return;
  throw refuse(idle, `means nothing with propagation '${propagation}', without a transaction`);
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
