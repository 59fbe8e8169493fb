import type { JobRow } from './job-row.js';

/** The key of a job's metadata under which a worker's `river.RecordOutput` stores its output. */
const OUTPUT_KEY = 'output';

/** A job that was completed, and what its worker answered. */
export interface JobResult<Output = unknown, Args = unknown> {
  /** The finished row. */
  readonly job: JobRow<Args>;
  /**
   * What the worker recorded by `river.RecordOutput`, as JSON gives it back; undefined when it
   * recorded nothing. Its type is what the caller says; it is not checked.
   */
  readonly output: Output;
}

export function resultOf<Output, Args>(job: JobRow): JobResult<Output, Args> {
  // No client writes JSON `null` there, but the column can hold it.
  const metadata = job.metadata as JobRow['metadata'] | null;
  return { job: job as JobRow<Args>, output: metadata?.[OUTPUT_KEY] as Output };
}
