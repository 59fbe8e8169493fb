import type { JobRow } from '../../job/row/job-row.js';

/** Makes the time of the next attempt: milliseconds from now, a time, or undefined: no opinion. */
export type Retry = (job: JobRow, error: unknown) => number | Date | undefined;

/** By what part the default policy makes each wait longer or shorter. */
const JITTER = 0.1;
/** Go's longest duration, about 292 years, which the default policy reaches after 310 errors. */
const MAX_WAIT_MS = 2 ** 63 / 1e6;
/** The latest time of a Date that Postgres takes. */
const LATEST = Date.UTC(9999, 11, 31);

/**
 * When a failed job is tried again: by the first of the policies that gives a time which is not past, else by
 * River's own, in which the wait is the fourth power of the number of errors, in seconds.
 *
 * @param policies that of the kind, then that of the worker. One that throws has no opinion
 * @param now the end of the attempt
 * @param random a number from 0 to 1
 */
export function nextRetry(
  job: JobRow,
  error: unknown,
  {
    policies,
    now,
    random = Math.random,
    onFailure,
  }: {
    readonly policies: readonly (Retry | undefined)[];
    readonly now: Date;
    readonly random?: (() => number) | undefined;
    readonly onFailure?: ((error: unknown) => void) | undefined;
  },
): Date {
  for (const policy of policies) {
    const at = timeOf(policy, { job, error, now, onFailure });
    if (at === undefined) continue;
    // River falls back to its own policy rather than to the next one.
    if (at < now.getTime()) break;
    return new Date(Math.min(at, LATEST));
  }
  return new Date(Math.min(now.getTime() + defaultWaitMs(job.errors.length + 1, random), LATEST));
}

/** @param errors that are stored when the job is tried again; not its attempts */
function defaultWaitMs(errors: number, random: () => number): number {
  const ms = errors ** 4 * 1_000;
  return ms >= MAX_WAIT_MS ? MAX_WAIT_MS : ms * (1 - JITTER + 2 * JITTER * random());
}

function timeOf(
  policy: Retry | undefined,
  {
    job,
    error,
    now,
    onFailure,
  }: {
    readonly job: JobRow;
    readonly error: unknown;
    readonly now: Date;
    readonly onFailure?: ((error: unknown) => void) | undefined;
  },
): number | undefined {
  try {
    const given = policy?.(job, error);
    if (given == null) return undefined;
    const at = given instanceof Date ? given.getTime() : now.getTime() + Number(given);
    if (!Number.isNaN(at)) return at;
    throw new TypeError('the retry policy returned neither milliseconds nor a valid time');
  } catch (failure) {
    onFailure?.(failure);
    return undefined;
  }
}
