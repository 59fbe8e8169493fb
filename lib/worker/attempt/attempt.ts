import { Logger } from '@nestjs/common';
import type { DatabaseError } from '../../errors/database-errors.js';
import { JobLostError, JobTimeoutError, UnworkableJobError } from '../../errors/worker-errors.js';
import { FINAL_STATES } from '../../job/row/job-state.js';
import { clearTimeout, now, setTimeout } from '../../real-time.js';
import { errorText } from '../outcome/attempt-error.js';
import type { AbortedBy, AttemptResult } from '../outcome/attempt-result.js';
import { nextState, whatIsUnstorable, type NextState } from '../outcome/next-state.js';
import { isOutcome } from '../outcome/outcome.js';
import type { SetState, StoredOutcome } from '../outcome/set-state.js';
import type { ResolvedWorkerOptions } from '../worker-options.js';
import type { AttemptJob } from './attempt-job.js';
import { runInJob } from './current-job.js';
import type { FindHandler, Handler, WorkerMiddleware } from './handler.js';
import { storedJob, type ReportJobEvent } from './job-event.js';

/** Stores the outcome of an attempt, some time. */
export type StoreOutcome = (
  setState: SetState,
  to: {
    /** Makes what is stored where Postgres refuses the outcome. */
    readonly instead: (cause: DatabaseError) => SetState;
    readonly settled: (stored: StoredOutcome) => void;
  },
) => void;

/**
 * Runs work in a transaction of which the outcome is a part. The `store` that it is given rejects when the job
 * is not of this attempt any more. Resolves when the transaction is committed.
 */
export type RunInTransaction = (
  work: (store: (setState: SetState) => Promise<StoredOutcome>) => Promise<void>,
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
  /** A job has ended for good. */
  readonly ended: (id: string) => void;
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
  readonly job: AttemptJob;
  readonly #parts: AttemptParts;
  readonly #slot: SlotEvents;
  readonly #startedAt = new Date();
  readonly #startedMs = now();
  #timer: NodeJS.Timeout | undefined;
  #isFree = false;

  constructor(job: AttemptJob, parts: AttemptParts, slot: SlotEvents) {
    this.job = job;
    this.#parts = parts;
    this.#slot = slot;
  }

  /** Aborts its signal. The first reason counts. */
  abort(by: AbortedBy, reason: Error): void {
    this.job.abort(by, reason);
  }

  /** Watches over its time limits no longer. */
  leave(): void {
    clearTimeout(this.#timer);
  }

  /** Works the job and stores its outcome. Never rejects. */
  async run(): Promise<void> {
    try {
      const handler = this.#parts.findHandler(this.job.kind);
      if (handler?.options.transaction === true) await this.#runInTransaction(handler);
      else this.#storeResult(await this.#result(() => this.#work(handler)), handler);
    } catch (error) {
      // Functions of the application may throw what throws again when it is shown.
      logger.error(
        `Job ${this.job.id}: its outcome could not be made; the job stays running until it is rescued: ${errorText(error)}`,
      );
      this.#free();
      this.#slot.onDone();
    }
  }

  /** Calls the method, with the middleware around it. */
  #work(handler: Handler | undefined): unknown {
    const { job } = this;
    // The text is River's.
    if (handler === undefined)
      throw new UnworkableJobError(
        `job kind is not registered in the client's Workers bundle: ${job.kind}`,
      );
    const { middleware } = this.#parts;
    return runInJob(job, () => {
      if (middleware.length === 0) return this.#handle(handler);
      const innermost = async (): Promise<unknown> => await this.#handle(handler);
      return middleware.reduceRight(
        (next, each) => async () => await each.around(job, next),
        innermost,
      )();
    });
  }

  /** Middleware is outside of the time limit. */
  #handle({ options, run }: Handler): unknown {
    const { job } = this;
    const begin = (): unknown => {
      const limitMs = options.timeoutMs ?? this.#parts.options.jobTimeoutMs;
      if (limitMs !== false) this.#limit(limitMs);
      return run(job);
    };
    if (options.decode === undefined) return begin();
    const decoded = options.decode(job.args);
    if (decoded instanceof Promise)
      return decoded.then((args: unknown) => {
        job.args = args;
        return begin();
      });
    job.args = decoded;
    return begin();
  }

  async #result(work: () => unknown): Promise<AttemptResult> {
    try {
      return resultOf(await work());
    } catch (error) {
      // Code that is deep down may throw an outcome.
      return isOutcome(error) ? resultOf(error) : { type: 'threw', error };
    } finally {
      clearTimeout(this.#timer);
      this.job.finish();
    }
  }

  #storeResult(result: AttemptResult, handler: Handler | undefined): void {
    const endedMs = now();
    const next = this.#next(result, handler);
    this.#free();
    this.#parts.store(next.setState, {
      instead: (cause) => this.#refused(cause, handler),
      settled: (stored) => {
        this.#report(next, stored, endedMs);
        this.#slot.onDone();
      },
    });
  }

  /** What it returns commits with its outcome. What it throws rolls back, and is stored afterwards. */
  async #runInTransaction(handler: Handler): Promise<void> {
    let returned: { next: NextState; stored: StoredOutcome; endedMs: number } | undefined;
    const result = await this.#result(async () => {
      await this.#parts.inTransaction(async (store) => {
        const outcome = await this.#result(() => this.#work(handler));
        if (outcome.type === 'threw') throw outcome.error as Error;
        const unstorable = whatIsUnstorable(outcome, this.job.changedMetadata);
        if (unstorable !== undefined) throw unstorable as Error;
        const next = this.#next(outcome, handler);
        returned = { next, stored: await store(next.setState), endedMs: now() };
      });
    });
    if (result.type === 'threw' || returned === undefined) {
      if (result.type === 'threw' && result.error instanceof JobLostError)
        logger.warn(result.error.message);
      return this.#storeResult(result, handler);
    }
    this.#free();
    this.#report(returned.next, returned.stored, returned.endedMs);
    this.#slot.onDone();
  }

  #next(result: AttemptResult, handler: Handler | undefined, isRefused = false): NextState {
    const { retryPolicy, onError } = this.#parts.options;
    const { abortedBy, abortReason, changedMetadata, claimedAt } = this.job;
    return nextState(this.job, result, {
      abortedBy,
      abortReason,
      claimedAt,
      startedAt: this.#startedAt,
      endedAt: new Date(),
      metadata: isRefused ? NOTHING : changedMetadata,
      retries: [handler?.options.retry, retryPolicy],
      onError,
      onFailure: (failure) => {
        logger.error(`Job ${this.job.id}: retry or onError threw an error: ${errorText(failure)}`);
      },
    });
  }

  /** Postgres has refused the outcome: the attempt has failed, by a text of ours. */
  #refused(cause: DatabaseError, handler: Handler | undefined): SetState {
    const error = new UnworkableJobError(
      `The outcome of the attempt was refused by the database (SQLSTATE ${cause.sqlState ?? 'unknown'}).`,
    );
    return this.#next({ type: 'threw', error }, handler, true).setState;
  }

  #limit(ms: number): void {
    const { stuckAfterMs } = this.#parts.options;
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#stuck(), stuckAfterMs);
      this.job.abort('timeout', new JobTimeoutError(ms));
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
      job: job.toJSON(),
      error: job.abortReason,
      willRetry: false,
    });
    try {
      if (onStuck?.(job) === 'addSlot') this.#free();
    } catch (error) {
      logger.error(`Job ${job.id}: onStuck threw an error: ${errorText(error)}`);
    }
  }

  #free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    this.#slot.onFree();
  }

  #report(next: NextState, stored: StoredOutcome, endedMs: number): void {
    const { report } = this.#parts;
    if (!stored.stored) return;
    if (FINAL_STATES.includes(stored.state)) this.#parts.ended(this.job.id);
    if (report === undefined) return;
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

const NOTHING: ReadonlyMap<string, unknown> = new Map();
const NO_TIMES = { waitedMs: 0, workedMs: 0, storedAfterMs: 0 };

function resultOf(value: unknown): AttemptResult {
  return { type: 'returned', outcome: isOutcome(value) ? value : undefined };
}

/** The only change is that a job which was cancelled meanwhile is not worked again. */
function eventOf(state: string): 'cancelled' | 'completed' {
  return state === 'completed' ? 'completed' : 'cancelled';
}
