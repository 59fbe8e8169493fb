import type { JobRow } from './job-row.js';

/** The key of a job's metadata under which a worker's `river.RecordOutput` stores its output. */
const OUTPUT_KEY = 'output';

/** A job that was completed, and what its worker answered. */
export interface JobResult<Output = unknown, Args = unknown> {
  /** The finished row. */
  readonly job: JobRow<Args>;
  /**
   * What the worker recorded by `river.RecordOutput`, as JSON gives it back; undefined when it
   * recorded nothing. With `parseOutput`, what that returned.
   */
  readonly output: Output;
}

/** What the args of a row are; unknown for an id. */
export type JsonArgsOf<Job> = Job extends { readonly args: infer JsonArgs } ? JsonArgs : unknown;

export function resultOf(
  job: JobRow,
  parseOutput: (output: unknown) => unknown = (output) => output,
): JobResult {
  // No client writes JSON `null` there, but the column can hold it.
  const metadata = job.metadata as JobRow['metadata'] | null;
  return { job, output: parseOutput(metadata?.[OUTPUT_KEY]) };
}
