import { RiverTransactionError } from '../../errors/transaction-errors.js';

/** Statements that would end the transaction behind our back; ROLLBACK TO SAVEPOINT is none. */
const ENDS_TRANSACTION =
  /^\s*(commit|end|abort|begin|start\s+transaction|prepare\s+transaction|rollback(?!\s+(work\s+|transaction\s+)?to))\b/i;

/**
 * Whether a statement can be seen to end the transaction before it is sent. What a comment or another
 * statement hides is noticed afterwards, by the server's answer.
 */
export function endsTransaction(sql: string): boolean {
  return ENDS_TRANSACTION.test(sql);
}

export function endIsOurs(): RiverTransactionError {
  return new RiverTransactionError(
    'A transaction of run(...) or @RiverTransactional() cannot be begun or ended by a statement: ' +
      'return to commit, throw to roll back. For a part that can be undone, use ' +
      "run({ propagation: 'NESTED' }, ...).",
    { code: 'RIVER_INVALID_TRANSACTION' },
  );
}

export function savepointIsOurs(): RiverTransactionError {
  return new RiverTransactionError(
    'A statement used a savepoint that belongs to a nested transaction of run(...) or ' +
      '@RiverTransactional(), so the whole transaction was rolled back. Return from the nested ' +
      'transaction to keep its work, throw to undo it; use names of your own for your savepoints.',
    { code: 'RIVER_INVALID_TRANSACTION' },
  );
}
