import { RiverError } from './river-error.js';

/** The call's AbortSignal was raised before its statement was sent: nothing is stored. */
export class InsertAbortedError extends RiverError {
  constructor(reason: unknown) {
    super('The insert was aborted by its signal before anything was sent.', {
      code: 'RIVER_ABORTED',
      field: 'signal',
      cause: reason,
    });
  }
}
