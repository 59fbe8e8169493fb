import { RiverError } from './river-error.js';

/** The attempt of a job is to end. The `reason` of its signal is of one of the subclasses. */
export class AttemptAbortedError extends RiverError {}

/** The attempt has reached its time limit. */
export class JobTimeoutError extends AttemptAbortedError {
  /** @param ms the limit in milliseconds */
  constructor(ms: number) {
    super(
      `The attempt has reached its time limit of ${ms} ms. Pass job.signal on, so that what it waits for ends, ` +
        'or set timeoutMs.',
      { code: 'RIVER_JOB_TIMEOUT' },
    );
  }
}

/** The job was cancelled while it ran, by `jobCancel` of any client. */
export class AttemptCancelledError extends AttemptAbortedError {
  constructor() {
    super('The job was cancelled while it ran.', { code: 'RIVER_ATTEMPT_CANCELLED' });
  }
}

/** The worker stops. The attempt does not count if it ends with this error. */
export class WorkerStoppingError extends AttemptAbortedError {
  constructor() {
    super('The worker stops, and the attempt has not ended in time.', {
      code: 'RIVER_WORKER_STOPPING',
    });
  }
}

/** The attempt has ended. Aborts what it began and did not await. */
export class JobAttemptFinishedError extends AttemptAbortedError {
  constructor() {
    super('The attempt has ended.', { code: 'RIVER_ATTEMPT_FINISHED' });
  }
}

/**
 * A job worked in a transaction is not this worker's any more: it was rescued, moved or deleted while it ran.
 * Its effects are rolled back, since another attempt may have them.
 */
export class JobLostError extends RiverError {
  constructor(id: string) {
    super(
      `Job ${id} is not of this attempt any more: it was rescued, changed or deleted while it ran. Its ` +
        'transaction is rolled back.',
      { code: 'RIVER_JOB_LOST' },
    );
  }
}

/** A row or its kind keeps a job from being worked; a failed attempt. */
export class UnworkableJobError extends RiverError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'RIVER_UNWORKABLE_JOB', cause });
  }
}
