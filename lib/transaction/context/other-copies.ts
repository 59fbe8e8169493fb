import type { DataSource } from 'typeorm';
import { RiverTransactionError } from '../../errors/transaction-errors.js';
import { ambientTransactionOf, isOutside } from './ambient-transaction.js';

/** Returns whether the running code is in a transaction of one loaded copy of this package. */
type IsInTransaction = (dataSource: DataSource) => boolean;

const COPIES = Symbol.for('nestjs-river.copies');
const shared = globalThis as { [COPIES]?: Set<IsInTransaction> };
const copies = (shared[COPIES] ??= new Set<IsInTransaction>());
const isInOwn: IsInTransaction = (dataSource) => ambientTransactionOf(dataSource) !== undefined;
copies.add(isInOwn);

/**
 * Rejects what would be stored apart from the transaction that the running code is in, because that is
 * one of another installed copy of this package.
 *
 * @throws RiverTransactionError
 */
export function refuseOtherCopies(dataSource: DataSource): void {
  if (copies.size === 1 || isOutside(dataSource)) return;
  for (const isInTransaction of copies) {
    if (isInTransaction === isInOwn || !isInTransaction(dataSource)) continue;
    throw new RiverTransactionError(
      'The running code is in a transaction of another installed copy of nestjs-river, which this one ' +
        'cannot join. Install one copy: see `npm ls nestjs-river`. Or name the transaction ' +
        '(`insertTx(manager, ...)`), or wrap the call in `transaction.outside(...)`.',
      { code: 'RIVER_OTHER_COPY' },
    );
  }
}
