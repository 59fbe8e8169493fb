import {
  checkOptions,
  integer,
  nonEmptyString,
  oneOf,
  refusal,
  type Checks,
} from '../errors/checks.js';
import { RiverTransactionError } from '../errors/transaction-errors.js';
import {
  checkPropagation,
  TRANSACTION_CHECKS,
  type RiverTransactionOptions,
} from '../transaction/context/transaction-options.js';

/** What `@RiverTransactional()` takes: how to open the transaction, and whose. */
export interface TransactionalMethodOptions extends Omit<RiverTransactionOptions, 'signal'> {
  /** Name of the client whose data source is meant. Default: the one of `forRoot()` without a name. */
  readonly name?: string | undefined;
  /**
   * On a handler that answers an Observable: how many values to hold until COMMIT. One more, and it
   * is rolled back. Default 1000.
   */
  readonly maxHeldValues?: number | undefined;
  /**
   * On an HTTP handler: what a client that goes away before its answer changes. `ignore`: nothing, as
   * Nest does not stop the handler, and a charge may have been made. `rollback`: the transaction is
   * rolled back, and its further statements are refused. Default `ignore`.
   */
  readonly onDisconnect?: 'ignore' | 'rollback' | undefined;
}

/** Where the decorator keeps its facts on the method: one entry per decorator, outermost first. */
export const RIVER_TRANSACTIONAL = Symbol.for('nestjs-river.RiverTransactional');

/** Where it keeps the key of the property into which Nest injects the helper. */
export const RIVER_HELPER = Symbol.for('nestjs-river.RiverTransactional.helper');

export function helperOf(method: object): symbol | undefined {
  return Reflect.getOwnMetadata(RIVER_HELPER, method) as symbol | undefined;
}

export function transactionsOf(method: object): readonly TransactionalMethodOptions[] {
  return (Reflect.getOwnMetadata(RIVER_TRANSACTIONAL, method) ??
    []) as TransactionalMethodOptions[];
}

/** The part of the options that says how a transaction is opened. */
export function transactionOptionsOf({
  name: _name,
  maxHeldValues: _maxHeldValues,
  onDisconnect: _onDisconnect,
  ...options
}: TransactionalMethodOptions): RiverTransactionOptions {
  return options;
}

const refuse = refusal(
  RiverTransactionError,
  'RIVER_INVALID_TRANSACTION',
  '@RiverTransactional(): ',
);
const { signal: _signal, ...OF_TRANSACTION } = TRANSACTION_CHECKS;
const CHECKS: Checks<TransactionalMethodOptions> = {
  ...OF_TRANSACTION,
  name: nonEmptyString,
  maxHeldValues: integer(1, Number.MAX_SAFE_INTEGER),
  onDisconnect: oneOf('ignore', 'rollback'),
};

/**
 * @returns a copy, so that what was checked is what holds
 * @throws RiverTransactionError naming the option and its rule
 */
export function checkTransactionalOptions(
  given: TransactionalMethodOptions,
): TransactionalMethodOptions {
  const options = checkOptions(given, CHECKS, { refuse });
  checkPropagation(options, refuse);
  return options;
}
