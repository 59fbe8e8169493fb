import { RiverError } from './river-error.js';

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
