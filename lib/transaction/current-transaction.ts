import type { DataSource, QueryRunner } from 'typeorm';
import { NotInTransactionError } from '../errors/transaction-errors.js';
import {
  ambientTransactionOf,
  isOutside,
  runInLevel,
  STRICT,
  type AmbientTransaction,
  type TransactionSource,
} from './context/ambient-transaction.js';
import { refuseOtherCopies } from './context/other-copies.js';
import { requireDataSource } from './explicit-transaction.js';
import { ForeignTransaction } from './foreign-transaction.js';
import { scopeOf } from './statements/scope-of.js';

/**
 * The transaction that the running code is in: ours, or one that the application has bound, else the
 * one that the module's `transactionSource` names.
 */
export class CurrentTransaction {
  readonly #dataSource: DataSource;
  readonly #source: TransactionSource | undefined;

  constructor(dataSource: DataSource, source: TransactionSource | undefined) {
    this.#dataSource = dataSource;
    this.#source = source;
  }

  /** @param asked with `lenient`, undefined also where an insert would be rejected */
  get(asked = STRICT): AmbientTransaction | undefined {
    const ambient = ambientTransactionOf(this.#dataSource, asked);
    if (ambient !== undefined) return ambient;
    if (!asked.lenient) refuseOtherCopies(this.#dataSource);
    return this.#source === undefined || isOutside(this.#dataSource)
      ? undefined
      : this.#named(asked);
  }

  /**
   * Runs `work` in a level for the transaction that the source names, so that repositories and
   * parameters of handlers find it as well. The source is asked each time, since the other package may
   * open another transaction within. Where the transaction has a level already, it stays as it is.
   */
  inLevel<T>(name: string, work: () => T): T {
    const dataSource = this.#dataSource;
    if (ambientTransactionOf(dataSource, { lenient: true }) !== undefined) return work();
    return runInLevel({ dataSource, name, current: (asked) => this.#named(asked) }, work);
  }

  #named({ lenient }: { readonly lenient: boolean }): AmbientTransaction | undefined {
    const found = this.#source?.(this.#dataSource);
    if (!found) return undefined;
    const queryRunner = 'startTransaction' in found ? found : found.queryRunner;
    if (lenient && !isOpen(queryRunner)) return undefined;
    if (queryRunner === undefined) throw notOpen();
    requireDataSource(queryRunner, this.#dataSource, 'transactionSource');
    return scopeOf(queryRunner) ?? ForeignTransaction.on(queryRunner, this.#dataSource, notOpen);
  }
}

function isOpen(queryRunner: QueryRunner | undefined): boolean {
  return queryRunner?.isReleased === false && queryRunner.isTransactionActive;
}

function notOpen(): NotInTransactionError {
  return new NotInTransactionError(
    'transactionSource: what it returned is not in a transaction. It must return the query runner ' +
      '(or the manager with one) of an open transaction, or undefined when there is none.',
  );
}
