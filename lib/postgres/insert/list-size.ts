import { InvalidJobError } from '../../errors/invalid-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';

/** Below what a JavaScript string and a message to Postgres can hold. */
const MAX_BYTES = 500_000_000;

/** A character is three bytes at most, and metadata may need an escape for each. */
const MAX_GROWTH = 6;

/**
 * A list with unique jobs goes in one statement, see `JobInserter`, and so cannot be larger than that.
 *
 * @throws InvalidJobError with code RIVER_LIST_TOO_LARGE
 */
export function checkListSize(jobs: readonly InsertParams[]): void {
  if (jobs.length <= 1 || jobs.every(({ unique }) => unique === undefined)) return;
  let length = 0;
  for (const { encodedArgs, metadata } of jobs) length += encodedArgs.length + metadata.length;
  if (length * MAX_GROWTH <= MAX_BYTES) return;
  let bytes = 0;
  for (const { encodedArgs, metadata } of jobs)
    bytes += Buffer.byteLength(encodedArgs) + 2 * Buffer.byteLength(metadata);
  if (bytes <= MAX_BYTES) return;
  throw new InvalidJobError(
    'jobs: the args and metadata of a list with unique jobs must not exceed 500 MB, since they go in one ' +
      "statement. Use insertManyFast with onConflict: 'skip', which has no such limit, or several lists.",
    { code: 'RIVER_LIST_TOO_LARGE', field: 'jobs' },
  );
}
