import { RiverError } from './river-error.js';

/** The call's AbortSignal was aborted before all of it was sent: nothing is stored. */
export class InsertAbortedError extends RiverError {
  constructor(reason: unknown, when = 'before anything was sent') {
    super(`The insert was aborted by its signal ${when}.`, {
      code: 'RIVER_ABORTED',
      field: 'signal',
      cause: reason,
    });
  }
}

/** The items of an `insertManyFast` could not be read to their end: nothing of it is stored. */
export class InsertItemsError extends RiverError {
  /** @param options the place of the item that was to be read, and what was thrown, if anything was */
  constructor(why: string, { index, cause }: { index?: number; cause?: unknown } = {}) {
    super(`${why}, so nothing was inserted.`, {
      code: 'RIVER_ITEMS_FAILED',
      field: 'jobs',
      index,
      cause,
    });
  }
}

/** Which job was dropped. */
export interface DroppedJob {
  /** Its position in the list given, from 0; undefined where it is not known, or the only one. */
  readonly index?: number | undefined;
  /** Whether others were given with it: none of them is stored. */
  readonly isOfMany: boolean;
}

/**
 * A BEFORE INSERT trigger that the application has on `river_job` kept a job out of the table. Nothing
 * of the call is stored. In a transaction, `insert` leaves it usable; a list of jobs aborts it.
 */
export class JobDroppedError extends RiverError {
  constructor({ index, isOfMany }: DroppedJob) {
    const others = isOfMany ? ', so nothing of this call is stored' : '';
    const which = isOfMany ? 'A job of the list' : 'The job';
    super(
      `${index === undefined ? which : `jobs[${index}]`} is not stored: a BEFORE INSERT trigger on ` +
        `river_job dropped it${others}. Find out why the trigger drops it (a rate limit, a queue that ` +
        'is switched off) and insert it again later, or change the trigger.',
      { code: 'RIVER_JOB_DROPPED', index },
    );
  }
}

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

/**
 * An `insertManyFast` met a unique job that is there already, or twice among its items: nothing of
 * it is stored.
 */
export class UniqueConflictError extends RiverError {
  constructor({ index, cause }: { index?: number | undefined; cause?: unknown }) {
    const which = index === undefined ? 'a job' : `jobs[${index}]`;
    super(
      `${which}: an equal unique job is stored already, or precedes it among the items, so ` +
        "nothing was inserted. Give onConflict: 'skip' to leave such jobs out, or use insertMany.",
      { code: 'RIVER_UNIQUE_CONFLICT', field: 'uniqueOpts', index, cause },
    );
  }
}
