import { JobAttemptFinishedError } from '../../errors/worker-errors.js';
import { invalidParams } from '../../errors/invalid-errors.js';
import { nonEmptyString } from '../../errors/checks.js';
import type { JobRow } from '../../job/row/job-row.js';
import { OUTPUT } from '../outcome/attempt-metadata.js';
import type { AbortedBy } from '../outcome/attempt-result.js';
import type { WorkedJob } from './job.js';

/** What happens to an attempt from outside, and what it says of itself. */
export class AttemptControl {
  readonly metadata = new Map<string, unknown>();
  #controller: AbortController | undefined;
  #abortedBy: AbortedBy | undefined;
  #reason: Error | undefined;
  #isFinished = false;

  /** What aborted it first. */
  get abortedBy(): AbortedBy | undefined {
    return this.#abortedBy;
  }

  /** The reason of its signal. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  abort(by: AbortedBy, reason: Error): void {
    if (this.#isFinished || this.#abortedBy !== undefined) return;
    this.#abortedBy = by;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** The method has ended: what it began and did not await is aborted. */
  finish(): void {
    this.#isFinished = true;
    // An attempt that never asked for its signal has none.
    if (this.#controller !== undefined && this.#abortedBy === undefined)
      this.#controller.abort(new JobAttemptFinishedError());
  }

  /** What the method of the job receives. */
  workedJob(row: JobRow): WorkedJob {
    const signal = (): AbortSignal => this.#signal();
    return Object.defineProperties(row, {
      signal: { get: signal },
      setMetadata: { value: (key: string, value: unknown) => this.#set(key, value) },
      recordOutput: { value: (output: unknown) => void this.metadata.set(OUTPUT, output) },
    }) as WorkedJob;
  }

  #set(key: string, value: unknown): void {
    nonEmptyString(key, 'key', invalidParams);
    if (key.startsWith('river:'))
      throw invalidParams('key', "must not begin with 'river:', which is River's own");
    this.metadata.set(key, value);
  }

  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
      else if (this.#isFinished) this.#controller.abort(new JobAttemptFinishedError());
    }
    return this.#controller.signal;
  }
}
