import type { JobRow } from './job-row.js';

/** What became of one job given to an insert. */
export interface JobInsertResult<Args = unknown> {
  /** The row stored, or the existing row that this job is a duplicate of. */
  readonly job: JobRow<Args>;
  /** True when nothing was stored because `job`, an equal unique job, was there already. */
  readonly uniqueSkippedAsDuplicated: boolean;
}
