import { nonEmptyString } from '../../errors/checks.js';
import { invalidParams } from '../../errors/invalid-errors.js';
import { JobAttemptFinishedError } from '../../errors/worker-errors.js';
import { ClaimedRow } from '../../postgres/worker/claimed-row.js';
import { OUTPUT } from '../outcome/attempt-metadata.js';
import type { AbortedBy } from '../outcome/attempt-result.js';
import type { WorkedJob } from './job.js';

const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** A claimed job with what happens to its attempt from outside, and what the attempt says of itself. */
export class AttemptJob extends ClaimedRow implements WorkedJob {
  #controller: AbortController | undefined;
  #abortedBy: AbortedBy | undefined;
  #reason: Error | undefined;
  #isFinished = false;
  #set: Map<string, unknown> | undefined;

  // Made when it is asked for: most methods never do.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
      else if (this.#isFinished) this.#controller.abort(new JobAttemptFinishedError());
    }
    return this.#controller.signal;
  }

  setMetadata(key: string, value: unknown): void {
    nonEmptyString(key, 'key', invalidParams);
    if (key.startsWith('river:'))
      throw invalidParams('key', "must not begin with 'river:', which is River's own");
    (this.#set ??= new Map()).set(key, value);
  }

  recordOutput(output: unknown): void {
    this.setMetadata(OUTPUT, output);
  }

  /** @internal What it has set in the metadata. */
  get changedMetadata(): ReadonlyMap<string, unknown> {
    return this.#set ?? NOTHING;
  }

  /** @internal What aborted it: what came first, but a cancellation counts more than the time limit. */
  get abortedBy(): AbortedBy | undefined {
    return this.#abortedBy;
  }

  /** @internal The reason of its signal, where that was aborted before the end. */
  get abortReason(): Error | undefined {
    return this.#reason;
  }

  /** @internal */
  abort(by: AbortedBy, reason: Error): void {
    if (this.#isFinished) return;
    // As in River, a job that is cancelled after its time limit counts as cancelled.
    const isCancelledLate = this.#abortedBy === 'timeout' && by === 'cancel';
    if (this.#abortedBy !== undefined && !isCancelledLate) return;
    this.#abortedBy = by;
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  /** @internal The method has ended: what it began and did not await is aborted. */
  finish(): void {
    this.#isFinished = true;
    if (this.#controller !== undefined && this.#abortedBy === undefined)
      this.#controller.abort(new JobAttemptFinishedError());
  }
}
