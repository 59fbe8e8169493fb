import { describeValue } from '../errors/describe-value.js';
import { RiverTransactionError } from '../errors/transaction-errors.js';

/** @throws RiverTransactionError when what a method of RiverTransaction should call is not a function */
export function checkWork(method: string, work: unknown, field = 'work'): void {
  if (typeof work === 'function') return;
  throw new RiverTransactionError(
    `${method}: ${field} must be a function; got ${describeValue(work)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field },
  );
}

export function noWork(): RiverTransactionError {
  return new RiverTransactionError(
    'run: takes a function, or options and a function: run({ isolation }, async (manager) => { ... }).',
    { code: 'RIVER_INVALID_TRANSACTION', field: 'work' },
  );
}

export function neverInTransaction(): RiverTransactionError {
  return new RiverTransactionError(
    "propagation 'NEVER': the caller is in a transaction. Call it outside of one, or wrap it in transaction.outside(...).",
    { code: 'RIVER_INVALID_TRANSACTION', field: 'propagation' },
  );
}
