import {
  checkTransactionOptions,
  type RiverTransactionOptions,
} from '../transaction/context/transaction-options.js';
import { RiverTransactionError } from '../errors/transaction-errors.js';
import { describeValue } from '../errors/describe-value.js';
import { reading } from '../errors/reading.js';

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

/**
 * @returns a copy, so that what was checked is what holds
 * @throws RiverTransactionError naming the option and its rule
 */
export function checkTransactionalOptions(
  given: TransactionalMethodOptions,
): TransactionalMethodOptions {
  if (typeof given !== 'object' || given === null) {
    throw refused('options', `must be an object; got ${describeValue(given)}`);
  }
  const options = reading(refused.bind(undefined, 'options'), () => ({ ...given }));
  const { name, maxHeldValues, onDisconnect } = options;
  if (name !== undefined && typeof name !== 'string') {
    throw refused('name', `must be the name of a client; got ${describeValue(name)}`);
  }
  if (maxHeldValues !== undefined && !(Number.isInteger(maxHeldValues) && maxHeldValues >= 1)) {
    throw refused(
      'maxHeldValues',
      `must be a whole number, 1 or more; got ${describeValue(maxHeldValues)}`,
    );
  }
  if (onDisconnect !== undefined && onDisconnect !== 'ignore' && onDisconnect !== 'rollback') {
    throw refused(
      'onDisconnect',
      `must be 'ignore' or 'rollback'; got ${describeValue(onDisconnect)}`,
    );
  }
  checkTransactionOptions(transactionOptionsOf(options));
  return options;
}

function refused(field: string, rule: string, cause?: unknown): RiverTransactionError {
  return new RiverTransactionError(`@RiverTransactional(): ${field}: ${rule}.`, {
    code: 'RIVER_INVALID_TRANSACTION',
    field,
    cause,
  });
}
