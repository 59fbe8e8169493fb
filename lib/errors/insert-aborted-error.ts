import { RiverError } from './river-error.js';

/** The call's AbortSignal was raised before all of it was sent: nothing is stored. */
export class InsertAbortedError extends RiverError {
  constructor(reason: unknown, when = 'before anything was sent') {
    super(`The insert was aborted by its signal ${when}.`, {
      code: 'RIVER_ABORTED',
      field: 'signal',
      cause: reason,
    });
  }
}
