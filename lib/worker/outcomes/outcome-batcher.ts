import { Logger } from '@nestjs/common';
import { DatabaseError } from '../../errors/database-errors.js';
import { nextTurn, sleep } from '../../real-time.js';
import { endsWithin } from '../../abort-signal.js';
import type { StoreOutcome } from '../attempt/attempt.js';
import type { SetState, StoredOutcome } from '../outcome/set-state.js';
import { inOwnContext } from '../own-context.js';
import type { WorkerCore } from '../worker-core.js';
import { outcomeIn, StoredOutcomes, isPlainSuccess } from './stored-outcomes.js';

/** Outcomes in one statement at most, and those that may wait before no more jobs are claimed. */
const MAX_BATCH = 5_000;
const MAX_WAITING = 10_000;
/** Milliseconds to the first try after a failure, and to any. */
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** An outcome that is not stored yet. */
interface Waiting {
  setState: SetState;
  /** What is stored instead where Postgres refuses the outcome. undefined: this was that already. */
  instead: ((cause: DatabaseError) => SetState) | undefined;
  /** Whether a statement with it was sent whose response did not arrive. */
  mayBeStored: boolean;
  isSettled: boolean;
  readonly settled: (stored: StoredOutcome) => void;
}

/**
 * Stores the outcomes of a worker's attempts, however many at once, by one statement after another: what
 * ends while a statement is under way goes with the next one. Tries again for as long as the database does
 * not respond. One that Postgres refuses does not keep others from being stored.
 */
export class OutcomeBatcher {
  readonly #core: WorkerCore;
  readonly #stored: StoredOutcomes;
  readonly #logger = new Logger('RiverWorker');
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #onRoom: (() => void)[] = [];
  readonly #end = new AbortController();
  #isClosed = false;

  constructor(core: WorkerCore) {
    this.#core = core;
    this.#stored = new StoredOutcomes(core.schema, core.clientId);
  }

  /**
   * Stores an outcome some time, and calls `settled` then, or when it could not be stored until the end of
   * {@link close}.
   */
  readonly add: StoreOutcome = (setState, to) => {
    const waiting = { setState, ...to, mayBeStored: false, isSettled: false };
    if (this.#isClosed) return this.#giveUp([waiting]);
    this.#waiting.push(waiting);
    this.#writing ??= inOwnContext(() => this.#write());
  };

  /** Resolves when there is room for the outcomes of more jobs. */
  async whenRoom(): Promise<void> {
    if (this.#waiting.length < MAX_WAITING) return;
    await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  /** Waits until everything is stored, for so many milliseconds at most. */
  async close(limitMs: number): Promise<void> {
    if (this.#writing !== undefined && !(await endsWithin(limitMs, this.#writing))) {
      this.#end.abort();
      await this.#writing;
    }
    this.#isClosed = true;
  }

  async #write(): Promise<void> {
    // What ends in the same turn goes together.
    await nextTurn();
    while (this.#waiting.length > 0) {
      const isFull = this.#waiting.length >= MAX_WAITING;
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#untilStored(batch);
      if (isFull) this.#onRoom.splice(0).forEach((resume) => resume());
    }
    this.#writing = undefined;
  }

  async #untilStored(batch: readonly Waiting[]): Promise<void> {
    let pauseMs = SHORTEST_PAUSE_MS;
    let left = batch;
    while (left.length > 0) {
      try {
        left = await this.#store(left);
        pauseMs = SHORTEST_PAUSE_MS;
      } catch (error) {
        left = left.filter(({ isSettled }) => !isSettled);
        if (this.#end.signal.aborted) return this.#giveUp([...left, ...this.#waiting.splice(0)]);
        this.#core.outages.failed('Storing the outcomes of jobs', error);
        await sleep(pauseMs, this.#end.signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** @returns those that remain to be stored, in another form */
  async #store(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    // Each kind by its own statement: most are successes without anything else.
    const plain = batch.filter(({ setState }) => isPlainSuccess(setState));
    const rest = batch.filter(({ setState }) => !isPlainSuccess(setState));
    const left: Waiting[] = [];
    for (const part of [plain, rest]) if (part.length > 0) left.push(...(await this.#send(part)));
    return left;
  }

  async #send(part: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { connection, outages } = this.#core;
    const outcomes = part.map(({ setState }) => setState);
    try {
      const states = await this.#stored.many(connection, outcomes);
      const unclear = part.filter(
        ({ setState, mayBeStored }) => mayBeStored && !states.has(setState.id),
      );
      const before =
        unclear.length === 0
          ? states
          : await this.#stored.alreadyStored(
              connection,
              unclear.map(({ setState }) => setState),
            );
      outages.succeeded();
      for (const each of part) {
        const { id } = each.setState;
        settle(each, outcomeIn(states.has(id) ? states : before, each.setState));
      }
      return [];
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (!error.isOfRow) {
        if (error.outcome === 'unknown') for (const each of part) each.mayBeStored = true;
        throw error;
      }
      return await this.#apart(part, error);
    }
  }

  /** Postgres has refused one of them: halves find out which. */
  async #apart(part: readonly Waiting[], error: DatabaseError): Promise<readonly Waiting[]> {
    const [first] = part;
    if (first === undefined) return [];
    if (part.length > 1) {
      const middle = part.length >> 1;
      return [
        ...(await this.#send(part.slice(0, middle))),
        ...(await this.#send(part.slice(middle))),
      ];
    }
    if (first.instead !== undefined) {
      first.setState = first.instead(error);
      first.instead = undefined;
      return [first];
    }
    this.#logger.error(
      `The outcome of job ${first.setState.id} cannot be stored; the job stays running until it is rescued: ${String(error)}`,
    );
    settle(first, { stored: false });
    return [];
  }

  #giveUp(left: readonly Waiting[]): void {
    this.#logger.error(
      `The outcomes of ${left.length} jobs could not be stored before the worker stopped; the jobs stay ` +
        'running until they are rescued, and are then worked again.',
    );
    for (const each of left) settle(each, { stored: false });
    for (const resume of this.#onRoom.splice(0)) resume();
  }
}

function settle(waiting: Waiting, stored: StoredOutcome): void {
  waiting.isSettled = true;
  waiting.settled(stored);
}
