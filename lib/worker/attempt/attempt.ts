import { Logger } from '@nestjs/common';
import type { DatabaseError } from '../../errors/database-errors.js';
import { JobTimeoutError, UnworkableJobError } from '../../errors/worker-errors.js';
import type { JobRow } from '../../job/row/job-row.js';
import { clearTimeout, now, setTimeout } from '../../real-time.js';
import type { AbortedBy, AttemptResult } from '../outcome/attempt-result.js';
import { nextState, type NextState } from '../outcome/next-state.js';
import { isOutcome } from '../outcome/outcome.js';
import type { SetState, StoredOutcome } from '../outcome/set-state.js';
import type { ResolvedWorkerOptions } from '../worker-options.js';
import { AttemptControl } from './attempt-control.js';
import { runInJob } from './current-job.js';
import type { FindHandler, Handler, WorkerMiddleware } from './handler.js';
import { storedJob } from './job-event.js';
import type { ReportJobEvent } from './job-event.js';
import type { WorkedJob } from './job.js';

/** Stores the outcome of an attempt. `instead` makes what is stored where Postgres refuses it. */
export type StoreOutcome = (
  setState: SetState,
  instead: (cause: DatabaseError) => SetState,
) => Promise<StoredOutcome>;

/**
 * Runs work in a transaction of which the outcome is a part. `work` makes the outcome; `store` of it rejects
 * when the job is lost.
 */
export type RunInTransaction = (
  work: (store: (setState: SetState) => Promise<StoredOutcome>) => Promise<void>,
  /** The outcome is committed, as far as is known after a COMMIT whose response was lost. */
) => Promise<void>;

/** What the attempts of a worker share. */
export interface AttemptParts {
  readonly options: Pick<
    ResolvedWorkerOptions,
    'jobTimeoutMs' | 'stuckAfterMs' | 'retryPolicy' | 'onError' | 'onStuck'
  >;
  readonly findHandler: FindHandler;
  readonly middleware: readonly WorkerMiddleware[];
  readonly store: StoreOutcome;
  readonly inTransaction: RunInTransaction;
  /** undefined: nobody wants events. */
  readonly report: ReportJobEvent | undefined;
}

/** What becomes of the slot of an attempt. */
export interface SlotEvents {
  /** The method has ended, or another job may be worked beside a stuck one: the slot is free. */
  onFree(): void;
  /** The outcome is stored, or never will be. */
  onDone(): void;
}

const logger = new Logger('RiverWorker');

/** One attempt of one job. The order of its steps is that of the executor of River's Go client. */
export class Attempt {
  readonly job: JobRow;
  readonly #parts: AttemptParts;
  readonly #slot: SlotEvents;
  readonly #control = new AttemptControl();
  readonly #startedAt = new Date();
  readonly #startedMs = now();
  #timer: NodeJS.Timeout | undefined;
  #isFree = false;

  constructor(job: JobRow, parts: AttemptParts, slot: SlotEvents) {
    this.job = job;
    this.#parts = parts;
    this.#slot = slot;
  }

  /** Aborts its signal. The first reason counts. */
  abort(by: AbortedBy, reason: Error): void {
    this.#control.abort(by, reason);
  }

  /** Works the job and stores its outcome. Never rejects. */
  async run(): Promise<void> {
    const { findHandler } = this.#parts;
    const handler = findHandler(this.job.kind);
    const job = this.#control.workedJob(this.job);
    try {
      if (handler?.options.transaction === true) await this.#runInTransaction(job, handler);
      else await this.#storeResult(await this.#result(() => this.#work(job, handler)), handler);
    } catch (error) {
      logger.error(`Job ${job.id}: its outcome could not be stored: ${String(error)}`);
    } finally {
      this.#free();
      this.#slot.onDone();
    }
  }

  /** What the job is, as seen by middleware and method: both may throw. */
  async #work(job: WorkedJob, handler: Handler | undefined): Promise<unknown> {
    // The text is River's.
    if (handler === undefined)
      throw new UnworkableJobError(
        `job kind is not registered in the client's Workers bundle: ${job.kind}`,
      );
    const { middleware } = this.#parts;
    const innermost = async (): Promise<unknown> => this.#handle(job, handler);
    return await runInJob(job, () =>
      middleware.reduceRight((next, each) => async () => await each.around(job, next), innermost)(),
    );
  }

  /** Middleware is outside of the time limit. */
  async #handle(job: WorkedJob, { options, run }: Handler): Promise<unknown> {
    const { decode } = options;
    if (decode !== undefined) {
      const args = await decode(job.args);
      Object.defineProperty(job, 'args', { value: args, enumerable: true, configurable: true });
    }
    const limitMs = options.timeoutMs ?? this.#parts.options.jobTimeoutMs;
    if (limitMs !== false) this.#limit(limitMs);
    return await run(job);
  }

  async #result(work: () => Promise<unknown>): Promise<AttemptResult> {
    try {
      return resultOf(await work());
    } catch (error) {
      // Code that is deep down may throw an outcome.
      return isOutcome(error) ? resultOf(error) : { type: 'threw', error };
    } finally {
      clearTimeout(this.#timer);
      this.#control.finish();
    }
  }

  async #storeResult(result: AttemptResult, handler: Handler | undefined): Promise<void> {
    const endedMs = now();
    const next = this.#next(result, handler);
    this.#free();
    const stored = await this.#parts.store(next.setState, (cause) => this.#refused(cause, handler));
    this.#report(next, stored, endedMs);
  }

  /** What it returns commits with its outcome. What it throws rolls back, and is stored afterwards. */
  async #runInTransaction(job: WorkedJob, handler: Handler): Promise<void> {
    let returned: { next: NextState; stored: StoredOutcome; endedMs: number } | undefined;
    const result = await this.#result(async () => {
      await this.#parts.inTransaction(async (store) => {
        const outcome = await this.#result(() => this.#work(job, handler));
        if (outcome.type === 'threw') throw outcome.error as Error;
        const next = this.#next(outcome, handler);
        // Metadata that cannot be encoded: the attempt has failed.
        if (next.error !== undefined && next.event !== 'cancelled' && next.event !== 'discarded')
          throw next.error as Error;
        returned = { next, stored: await store(next.setState), endedMs: now() };
      });
    });
    if (result.type === 'returned' && returned !== undefined)
      return this.#report(returned.next, returned.stored, returned.endedMs);
    await this.#storeResult(result, handler);
  }

  #next(result: AttemptResult, handler: Handler | undefined): NextState {
    const { retryPolicy, onError } = this.#parts.options;
    return nextState(this.job, result, {
      abortedBy: this.#control.abortedBy,
      abortReason: this.#control.reason,
      startedAt: this.#startedAt,
      endedAt: new Date(),
      metadata: this.#control.metadata,
      retries: [handler?.options.retry, retryPolicy],
      onError,
      onFailure: (failure) => {
        logger.error(`Job ${this.job.id}: retry or onError threw an error: ${String(failure)}`);
      },
    });
  }

  /** Postgres has refused the outcome: the attempt has failed, by a text of ours. */
  #refused(cause: DatabaseError, handler: Handler | undefined): SetState {
    this.#control.metadata.clear();
    const error = new UnworkableJobError(
      `The outcome of the attempt was refused by the database (SQLSTATE ${cause.sqlState ?? 'unknown'}).`,
    );
    return this.#next({ type: 'threw', error }, handler).setState;
  }

  #limit(ms: number): void {
    const { stuckAfterMs } = this.#parts.options;
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#stuck(), stuckAfterMs);
      this.#control.abort('timeout', new JobTimeoutError(ms));
    }, ms);
  }

  #stuck(): void {
    const { job } = this;
    const { onStuck } = this.#parts.options;
    logger.warn(
      `Job ${job.id} of kind ${job.kind} goes on long after its time limit: it does not heed job.signal.`,
    );
    this.#parts.report?.({
      ...NO_TIMES,
      type: 'stuck',
      job: { ...job },
      error: this.#control.reason,
      willRetry: false,
    });
    try {
      if (onStuck?.(job) === 'addSlot') this.#free();
    } catch (error) {
      logger.error(`Job ${job.id}: onStuck threw an error: ${String(error)}`);
    }
  }

  #free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    this.#slot.onFree();
  }

  #report(next: NextState, stored: StoredOutcome, endedMs: number): void {
    const { report } = this.#parts;
    if (report === undefined || !stored.stored) return;
    const { job } = this;
    const storedAtMs = now();
    const waitedMs = Math.max(0, this.#startedAt.getTime() - job.scheduledAt.getTime());
    const type = stored.state === next.setState.state ? next.event : eventOf(stored.state);
    report({
      type,
      job: storedJob(job, next.setState, stored.state),
      error: next.error,
      willRetry: type === 'failed' || type === 'snoozed' || type === 'interrupted',
      waitedMs,
      workedMs: endedMs - this.#startedMs,
      storedAfterMs: storedAtMs - endedMs,
    });
  }
}

const NO_TIMES = { waitedMs: 0, workedMs: 0, storedAfterMs: 0 };

function resultOf(value: unknown): AttemptResult {
  return { type: 'returned', outcome: isOutcome(value) ? value : undefined };
}

/** The only change is that a job which was cancelled meanwhile is not worked again. */
function eventOf(state: string): 'cancelled' | 'completed' {
  return state === 'completed' ? 'completed' : 'cancelled';
}
