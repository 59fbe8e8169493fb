import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import { missingRow } from '../rows/stored-job.js';

/** What goes into one statement at most: the best size by measurement, and 16 MB of text. */
export const MAX_ROWS = 5_000;
const MAX_LENGTH = 16_000_000;

/** Jobs for one statement, and the queues of them that it shall notify. */
export interface Batch {
  readonly jobs: readonly InsertParams[];
  readonly queues: readonly string[];
}

/** The jobs in order, each part for one statement. */
export function statementsOf(jobs: readonly InsertParams[]): (readonly InsertParams[])[] {
  if (jobs.length === 1) return [jobs];
  const parts: InsertParams[][] = [];
  let part: InsertParams[] = [];
  let length = 0;
  for (const job of jobs) {
    length += job.encodedArgs.length + job.metadata.length;
    if (parts.length === 0 || part.length === MAX_ROWS || length > MAX_LENGTH) {
      parts.push((part = []));
      length = job.encodedArgs.length + job.metadata.length;
    }
    part.push(job);
  }
  return parts;
}

export function keyOf({ unique }: InsertParams): string | undefined {
  return unique?.path === 'index' ? unique.hash.toString('latin1') : undefined;
}

type Results = Map<InsertParams, JobInsertResult>;

/**
 * Inserts each key once; the others with it are duplicates of the first.
 *
 * @param insert stores the jobs, and notes the result of each
 */
export async function withRepeats(
  jobs: readonly InsertParams[],
  insert: (firsts: readonly InsertParams[], results: Results) => Promise<void>,
): Promise<JobInsertResult[]> {
  const firstOf = firstsByKey(jobs);
  const results: Results = new Map();
  await insert(
    jobs.filter((job) => (firstOf.get(keyOf(job)) ?? job) === job),
    results,
  );
  return jobs.map((job) => {
    const own = results.get(job);
    if (own !== undefined) return own;
    const first = results.get(firstOf.get(keyOf(job)) ?? job) ?? missingRow();
    return { job: first.job, uniqueSkippedAsDuplicated: true };
  });
}

/** The first job of each unique key. */
function firstsByKey(jobs: readonly InsertParams[]): Map<string | undefined, InsertParams> {
  const firsts = new Map<string | undefined, InsertParams>();
  for (const job of jobs) {
    const key = keyOf(job);
    if (key !== undefined && !firsts.has(key)) firsts.set(key, job);
  }
  return firsts;
}

/** The queues of jobs that can be worked at once, each once, in order of first appearance. */
export function workableQueues(
  jobs: readonly { readonly state: string; readonly queue: string }[],
): string[] {
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1)
    return first.state === 'available' ? [first.queue] : [];
  const queues = new Set<string>();
  for (const { state, queue } of jobs) if (state === 'available') queues.add(queue);
  return [...queues];
}
