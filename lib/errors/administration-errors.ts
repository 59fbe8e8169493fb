import { nameText } from './name-text.js';
import { RiverError } from './river-error.js';

/** There is no job of this id: it was never there, or it has been deleted, by hand or by age. */
export class JobNotFoundError extends RiverError {
  readonly id: string;

  constructor(id: string) {
    super(
      `There is no job ${id}. River deletes finished jobs after a while; or it was inserted in ` +
        'another schema, or in a transaction that is not committed.',
      { code: 'RIVER_JOB_NOT_FOUND', field: 'id' },
    );
    this.id = id;
  }
}

/** The job is not of the kind of the class that was given with its id. */
export class JobKindError extends RiverError {
  readonly id: string;

  constructor(id: string, { kind, wanted }: { readonly kind: string; readonly wanted: string }) {
    super(
      `Job ${id} is of kind '${nameText(kind)}', not '${nameText(wanted)}'. Check the id, or read the ` +
        'job without a class.',
      { code: 'RIVER_JOB_KIND', field: 'argsClass' },
    );
    this.id = id;
  }
}

/** The job is being worked, and cannot be deleted meanwhile. */
export class JobRunningError extends RiverError {
  override readonly retryable = true;
  readonly id: string;

  constructor(id: string) {
    super(`Job ${id} is running, so it was not deleted. Cancel it first, or wait for its end.`, {
      code: 'RIVER_JOB_RUNNING',
      field: 'id',
    });
    this.id = id;
  }
}

/** The attempt of the running job began too recently for `jobRescue` to consider it stuck. */
export class JobNotStuckError extends RiverError {
  override readonly retryable = true;
  readonly id: string;

  constructor(id: string, rescueAfterMs: number) {
    super(
      `Job ${id} is running, and its attempt began less than ${rescueAfterMs} ms ago, so it was not rescued. ` +
        'Rescue it later; or, if its worker is known to be dead, give a lower rescueAfterMs.',
      { code: 'RIVER_JOB_NOT_STUCK', field: 'rescueAfterMs' },
    );
    this.id = id;
  }
}

/** The job runs or has ended, and `jobUpdate` was asked for a change that only a waiting one takes. */
export class JobNotWaitingError extends RiverError {
  readonly id: string;

  constructor(id: string, state: string) {
    super(
      `Job ${id} is ${state}, so it was not changed: args, queue, priority and time can only change while a job ` +
        'waits. Cancel or retry it first; or insert another job.',
      { code: 'RIVER_JOB_NOT_WAITING', field: 'id' },
    );
    this.id = id;
  }
}

/** What `jobUpdate` would make of the job has the unique key of another job. Nothing was changed. */
export class JobUniqueConflictError extends RiverError {
  readonly id: string;
  /** The job that has the key; undefined when it was stored at the same time. */
  readonly conflictingId: string | undefined;

  constructor(id: string, { by, cause }: { readonly by?: string; readonly cause?: unknown }) {
    super(
      `Job ${id} was not changed, since it would conflict with ${by === undefined ? 'another job' : `job ${by}`}, ` +
        'an equal unique job. Cancel or delete that one first, or cancel this one.',
      { code: 'RIVER_JOB_UNIQUE_CONFLICT', field: 'args', cause },
    );
    this.id = id;
    this.conflictingId = by;
  }
}

/** No worker has announced a queue of this name lately. */
export class QueueNotFoundError extends RiverError {
  constructor(name: string) {
    super(
      `There is no queue '${nameText(name)}'. A queue is there once a worker has begun to work it, and until a ` +
        'day after the last one has stopped.',
      { code: 'RIVER_QUEUE_NOT_FOUND', field: 'name' },
    );
  }
}
