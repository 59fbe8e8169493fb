import { Logger } from '@nestjs/common';
import { nameText } from '../../errors/name-text.js';
import { RiverTransactionError } from '../../errors/transaction-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';

const logger = new Logger('RiverClient');

/**
 * Does what each job says of an insert outside of transactions: nothing, a warning, or a refusal.
 *
 * @throws RiverTransactionError with code RIVER_OUTSIDE_TRANSACTION
 */
export function checkOutsidePolicy(jobs: readonly InsertParams[]): void {
  for (const { kind, outsideTransaction } of jobs) {
    if (outsideTransaction === 'error') throw outside(kind);
    if (outsideTransaction === 'warn') logger.warn(outside(kind).message);
  }
}

function outside(kind: string): RiverTransactionError {
  return new RiverTransactionError(
    `A job of kind '${nameText(kind)}' was inserted outside of a transaction. Put @RiverTransactional() on the ` +
      "method, use transaction.run(...) or insertTx(...), or allow it by outsideTransaction: 'allow'.",
    { code: 'RIVER_OUTSIDE_TRANSACTION', field: 'outsideTransaction' },
  );
}
