import type { JobInsertResult, JobRow } from 'nestjs-river';

interface SortArgs {
  readonly strings: string[];
  readonly at: Date;
}

/** A row of any args is a row: helpers need not be generic. */
export function logJob(job: JobRow, result: JobInsertResult): string[] {
  return [job.id, result.job.id];
}

export function logSort(
  job: JobRow<SortArgs>,
  result: JobInsertResult<SortArgs>,
): [string[], string] {
  const at: string = job.args.at;
  return [logJob(job, result), at];
}
