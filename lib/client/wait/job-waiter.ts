import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseError } from '../../errors/database-errors.js';
import { ShuttingDownError } from '../../errors/transaction-errors.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { FoundJobs } from '../../postgres/administration/finished-jobs.js';
import { JobWait } from './job-wait.js';
import type { WaitLimits } from './wait-options.js';
import { clearTimeout, endOfMicrotasks, now, setTimeout } from '../../real-time.js';

/** Milliseconds to the first look for a job, and to the next one after a job has ended. */
const SHORTEST_PAUSE_MS = 10;
/** By how much the pause grows at a look that finds nothing. */
const GROWTH = 1.25;
/** A rest of this many times as long as the look before, so that a slow database is not kept busy. */
const REST_PER_LOOK = 4;
const LONGEST_REST_MS = 500;
/** SQLSTATE of a statement that was cancelled, as by a `statement_timeout`. */
const CANCELLED = '57014';

/** Asks the database once, for many jobs. */
export type Look = (ids: ReadonlyMap<string, boolean>) => Promise<FoundJobs>;

/**
 * Waits for the ends of jobs, however many at once, by one query after another: River's workers
 * notify nobody of a job's end. While there are waits, the process stays alive.
 */
export class JobWaiter {
  readonly #look: Look;
  readonly #longestPauseMs: number;
  /** Looks are nobody's: they carry no context of a caller's, and so no transaction. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  readonly #waits = new Set<JobWait>();
  /** Those whose jobs have ended in this process, and which have not been polled since. */
  readonly #ended = new Set<JobWait>();
  #isAskingForEnded = false;
  #pauseMs = SHORTEST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #nextLookAt = Infinity;
  #restsUntil = 0;
  #isLooking = false;
  #isClosed = false;

  constructor(look: Look, longestPauseMs: number) {
    this.#look = look;
    this.#longestPauseMs = longestPauseMs;
  }

  /** @throws ShuttingDownError once it is closed */
  requireOpen(): void {
    if (this.#isClosed) throw new ShuttingDownError();
  }

  /**
   * @returns the row of the completed job
   * @throws JobFailedError, WaitTimeoutError, WaitAbortedError, JobNotFoundError, ShuttingDownError
   */
  async wait(id: string, options: WaitLimits): Promise<JobRow> {
    this.requireOpen();
    const wait = new JobWait(id, options, {
      onTimeout: () => this.#lookWithoutRest(),
      onEnd: () => this.#remove(wait),
    });
    this.#waits.add(wait);
    this.#lookIn(SHORTEST_PAUSE_MS);
    return await wait.ended;
  }

  /** Looks at once for jobs that have ended in this process, beside the polls for all others. */
  ended(ids: Iterable<string>): void {
    if (this.#waits.size === 0) return;
    const ended = new Set(ids);
    for (const wait of this.#waits) if (ended.has(wait.id)) this.#ended.add(wait);
    if (this.#ended.size === 0 || this.#isAskingForEnded) return;
    this.#isAskingForEnded = true;
    void this.#inOwnContext(() => this.#askForEnded());
  }

  /** One query after another: jobs that end meanwhile share the next one. */
  async #askForEnded(): Promise<void> {
    await endOfMicrotasks();
    while (this.#ended.size > 0) {
      const waits = [...this.#ended];
      this.#ended.clear();
      await this.#ask(waits);
    }
    this.#isAskingForEnded = false;
  }

  /** Rejects all waits, and from here on new ones. */
  close(): void {
    this.#isClosed = true;
    this.rejectAll(new ShuttingDownError());
  }

  /** Rejects the waits under way. */
  rejectAll(reason: Error): void {
    for (const wait of this.#waits) wait.fail(reason);
  }

  #remove(wait: JobWait): void {
    this.#waits.delete(wait);
    this.#ended.delete(wait);
    if (this.#waits.size === 0) this.#unschedule();
  }

  #unschedule(): void {
    clearTimeout(this.#timer);
    this.#nextLookAt = Infinity;
  }

  /** For a wait that has run out of time: the rest would be taken from the time for the answer. */
  #lookWithoutRest(): void {
    this.#restsUntil = 0;
    this.#lookIn(0);
  }

  #lookIn(pauseMs: number): void {
    this.#pauseMs = Math.min(this.#pauseMs, pauseMs);
    // The look under way plans the next one when it is done.
    if (this.#isLooking) return;
    const time = now();
    const at = Math.max(time + pauseMs, this.#restsUntil);
    if (this.#nextLookAt <= at) return;
    this.#unschedule();
    this.#nextLookAt = at;
    this.#timer = this.#inOwnContext(() => setTimeout(() => void this.#lookNow(), at - time));
  }

  async #lookNow(): Promise<void> {
    this.#unschedule();
    this.#isLooking = true;
    this.#pauseMs = Math.min(
      Math.max(this.#pauseMs, SHORTEST_PAUSE_MS) * GROWTH,
      this.#longestPauseMs,
    );
    const began = now();
    await this.#ask([...this.#waits]);
    const time = now();
    this.#restsUntil = time + Math.min((time - began) * REST_PER_LOOK, LONGEST_REST_MS);
    this.#isLooking = false;
    const isOutOfTime = [...this.#waits].some(({ isLast }) => isLast);
    if (isOutOfTime) this.#lookWithoutRest();
    else if (this.#waits.size > 0) this.#lookIn(this.#pauseMs);
  }

  async #ask(waits: readonly JobWait[]): Promise<void> {
    const ids = new Map<string, boolean>();
    for (const { id, isLast } of waits) ids.set(id, isLast || ids.get(id) === true);
    const before = this.#waits.size;
    try {
      const found = await this.#look(ids);
      for (const wait of waits) wait.tell(found);
      if (this.#waits.size < before) this.#pauseMs = SHORTEST_PAUSE_MS;
    } catch (error) {
      for (const wait of waits) {
        if (isPassing(error)) wait.tellFailure(error);
        else wait.fail(error);
      }
    }
  }
}

/** Whether the next look may succeed, though nothing is changed: a lost connection, say. */
function isPassing(error: unknown): boolean {
  return error instanceof DatabaseError && (error.retryable || error.sqlState === CANCELLED);
}
