import { RiverError } from './river-error.js';

/**
 * As many inserts outside transactions as `maxPendingInserts` allows wait for the database already:
 * nothing was sent, and nothing is stored.
 */
export class TooManyPendingInsertsError extends RiverError {
  override readonly retryable: boolean = true;

  constructor(limit: number) {
    super(
      `${limit} inserts outside transactions (the module option maxPendingInserts) are waiting for the ` +
        'database, so this one was rejected before anything was sent. Await inserts before you begin more, ' +
        'use insertMany or insertManyFast for many jobs, or insert again later.',
      { code: 'RIVER_TOO_MANY_PENDING_INSERTS', field: 'maxPendingInserts' },
    );
  }
}
