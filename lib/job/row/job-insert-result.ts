import type { JobRow } from './job-row.js';

/** What became of one job given to an insert. */
interface InsertResult<out Row> {
  /** The row stored, or the existing row that this job is a duplicate of. */
  readonly job: Row;
  /** True when nothing was stored because `job`, an equal unique job, was there already. */
  readonly uniqueSkippedAsDuplicated: boolean;
}

/** What became of one job given to an insert, whose args are of type `Args`. */
export type JobInsertResult<Args = unknown> = InsertResult<JobRow<Args>>;
