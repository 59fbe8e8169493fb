import { RiverError } from './river-error.js';

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
