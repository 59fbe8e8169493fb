import { notPrinted } from './conceal.js';
import type { RiverErrorCode } from './error-code.js';
import { nameText } from './name-text.js';
import { RiverError } from './river-error.js';
import type { AttemptError, JobRow } from '../job/row/job-row.js';

/** How many attempt errors a message tells, the latest first, and how much of each text. */
const MAX_ERRORS = 3;
const MAX_TEXT = 300;

/**
 * A job that was waited for has ended without being completed. The message tells the latest attempt
 * errors, shortened; {@link job} holds all of them.
 */
export class JobFailedError extends RiverError {
  /** The finished row, with every attempt error, and the output if one was recorded. */
  declare readonly job: JobRow;

  constructor(job: JobRow, code: RiverErrorCode) {
    super(`${nameOf(job)} was ${job.state} ${attemptsOf(job)}.${errorsOf(job)}`, { code });
    notPrinted(this, { job });
  }
}

/** The job was cancelled: by its worker, or from outside. */
export class JobCancelledError extends JobFailedError {
  constructor(job: JobRow) {
    super(job, 'RIVER_JOB_CANCELLED');
  }
}

/** The job has failed as often as it may be tried. */
export class JobDiscardedError extends JobFailedError {
  constructor(job: JobRow) {
    super(job, 'RIVER_JOB_DISCARDED');
  }
}

/** The job did not end in time. It goes on; the same wait may be asked for again. */
export class WaitTimeoutError extends RiverError {
  override readonly retryable = true;
  readonly id: string;
  /** The job as it was at the end of the wait; undefined when the database could not be asked. */
  declare readonly job: JobRow | undefined;

  /** @param last the row, or why there is none */
  constructor(id: string, timeoutMs: number, last: { job: JobRow } | { cause: unknown }) {
    const job = 'job' in last ? last.job : undefined;
    const found =
      job === undefined
        ? 'The database did not tell its state (see cause).'
        : `It is ${job.state} ${attemptsOf(job)}, and goes on.${errorsOf(job)}`;
    super(
      `${job === undefined ? `Job ${id}` : nameOf(job)} did not end within ${timeoutMs} ms. ${found}`,
      { code: 'RIVER_WAIT_TIMEOUT', cause: 'cause' in last ? last.cause : undefined },
    );
    this.id = id;
    notPrinted(this, { job });
  }
}

/** The wait was aborted by its signal. The job goes on, if it was inserted. */
export class WaitAbortedError extends RiverError {
  /** @param id undefined when the signal kept the job from being inserted */
  constructor(id: string | undefined, reason: unknown) {
    const message =
      id === undefined
        ? 'The signal of the wait was aborted before the insert. Nothing was inserted.'
        : `The wait for job ${id} was aborted by its signal. The job goes on.`;
    super(message, {
      code: 'RIVER_WAIT_ABORTED',
      field: 'signal',
      cause: reason,
    });
  }
}

function nameOf({ id, kind }: JobRow): string {
  return `Job ${id} (kind ${nameText(kind, MAX_TEXT)})`;
}

function attemptsOf({ attempt, maxAttempts }: JobRow): string {
  return `after ${attempt} of at most ${maxAttempts} attempts`;
}

function errorsOf({ errors }: JobRow): string {
  const latest = errors.slice(-MAX_ERRORS).reverse();
  const more = errors.length - latest.length;
  return latest.map(tell).join('') + (more > 0 ? ` And ${more} before.` : '');
}

function tell({ at, attempt, error }: AttemptError): string {
  const text = nameText(error, MAX_TEXT);
  const time = Number.isNaN(at.getTime()) ? 'an unknown time' : at.toISOString();
  return ` Attempt ${attempt} at ${time}: ${text || 'no error text'}.`;
}
