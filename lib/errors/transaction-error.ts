import { RiverError } from './river-error.js';

/** Something about a transaction forbids the call. */
export class RiverTransactionError extends RiverError {}

/** There is no transaction where one is needed. */
export class NotInTransactionError extends RiverTransactionError {
  constructor(message: string) {
    super(message, { code: 'RIVER_NOT_IN_TRANSACTION' });
  }
}

/** A statement or an insert was asked of a transaction that has ended already. */
export class TransactionEndedError extends RiverTransactionError {
  constructor(what: string) {
    super(
      `${what} was asked of a transaction that has already ended. Await it before the transaction's ` +
        'callback or handler returns, or wrap it in transaction.outside(...) if it is meant to ' +
        'run on its own.',
      { code: 'RIVER_TRANSACTION_ENDED' },
    );
  }
}

/** The transaction was to be committed, but the server has rolled it back. Nothing is stored. */
export class TransactionRolledBackError extends RiverTransactionError {
  override readonly retryable = true;

  constructor(cause: unknown) {
    super(
      'The transaction could not be committed, because one of its statements had failed (see ' +
        'cause): Postgres rolled it back and nothing of it is stored. Let the error of a failed ' +
        'statement leave the transaction instead of swallowing it.',
      { code: 'RIVER_TRANSACTION_ROLLED_BACK', cause },
    );
  }
}
