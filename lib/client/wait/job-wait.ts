import { JobNotFoundError } from '../../errors/administration-errors.js';
import {
  JobCancelledError,
  JobDiscardedError,
  WaitAbortedError,
  WaitTimeoutError,
} from '../../errors/wait-errors.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { FoundJobs } from '../../postgres/administration/finished-jobs.js';
import { onAbort } from '../../abort-signal.js';
import type { WaitLimits } from './wait-options.js';
import { clearTimeout, now, setTimeout } from '../../real-time.js';

/** How long a job may be invisible: the transaction that inserted it may be about to commit. */
const INVISIBLE_MS = 1_000;
/** How long a wait that has run out of time still waits to be told what state the job is in. */
const LAST_LOOK_MS = 1_000;

/** What a wait tells of itself. */
export interface JobWaitEvents {
  /** Its time is over: it wants one last look. */
  readonly onTimeout: () => void;
  readonly onEnd: (wait: JobWait) => void;
}

/** One wait for the end of one job. */
export class JobWait {
  readonly id: string;
  /** The completed row. */
  readonly ended: Promise<JobRow>;
  readonly #options: WaitLimits;
  readonly #events: JobWaitEvents;
  readonly #since = now();
  readonly #forgetSignal: (() => void) | undefined;
  #resolve!: (job: JobRow) => void;
  #reject!: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isLast = false;
  #wasThere = false;

  /** @throws WaitAbortedError when the signal is already aborted */
  constructor(id: string, options: WaitLimits, events: JobWaitEvents) {
    const { timeoutMs, signal } = options;
    if (signal?.aborted) throw aborted(id, options);
    this.id = id;
    this.#options = options;
    this.#events = events;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#forgetSignal = signal && onAbort(signal, () => this.fail(aborted(id, options)));
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#onTimeout(), timeoutMs);
  }

  /** Whether its time is over, so that the job is to be told in whatever state it is. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** Told what a look has found that asked for this job. */
  tell(found: FoundJobs): void {
    const job = found.get(this.id);
    if (job === undefined) this.#wasThere = true;
    else if (job === null) this.#tellMissing();
    else if (job.state === 'completed') this.#end(() => this.#resolve(job));
    else if (job.state === 'cancelled') this.fail(new JobCancelledError(job));
    else if (job.state === 'discarded') this.fail(new JobDiscardedError(job));
    else if (this.#isLast) this.#fail({ job });
  }

  /** Told that a look has failed, which the next one may not. */
  tellFailure(cause: unknown): void {
    if (this.#isLast) this.#fail({ cause });
  }

  fail(error: unknown): void {
    this.#end(() => this.#reject(error));
  }

  #tellMissing(): void {
    const isLate = now() - this.#since >= INVISIBLE_MS;
    if (this.#wasThere || isLate || this.#isLast) this.fail(new JobNotFoundError(this.id));
  }

  #onTimeout(): void {
    this.#isLast = true;
    const cause = new Error(`the database did not answer within ${LAST_LOOK_MS} ms`);
    this.#timer = setTimeout(() => this.#fail({ cause }), LAST_LOOK_MS);
    this.#events.onTimeout();
  }

  #fail(last: { job: JobRow } | { cause: unknown }): void {
    this.fail(new WaitTimeoutError(this.id, this.#options.timeoutMs ?? 0, last));
  }

  #end(settle: () => void): void {
    clearTimeout(this.#timer);
    this.#forgetSignal?.();
    this.#events.onEnd(this);
    settle();
  }
}

function aborted(id: string, { signal }: WaitLimits): WaitAbortedError {
  return new WaitAbortedError(id, signal?.reason);
}
