import { clearTimeout, nextTurn, now, setTimeout } from '../../real-time.js';
import type { ResolvedQueueOptions } from '../worker-options.js';

/** By what part each pause between polls is longer at most, and by how many milliseconds at least. */
const JITTER = 0.1;
const LEAST_JITTER_MS = 10;

/** Decides when a queue is claimed from: after a trigger, but for the cooldown; and else by polling. */
export class FetchPace {
  readonly #options: ResolvedQueueOptions;
  readonly #claim: () => void;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  #lastAt = -Infinity;

  /** @param random a number from 0 to 1 */
  constructor(
    options: ResolvedQueueOptions,
    claim: () => void,
    random: () => number = Math.random,
  ) {
    this.#options = options;
    this.#claim = claim;
    this.#random = random;
  }

  /** There may be something to claim: claims at once if nothing was in the last cooldown, else at its end. */
  trigger(): void {
    this.#claimAt(Math.max(now(), this.#lastAt + this.#options.fetchCooldownMs));
  }

  /** There is more to claim for certain. */
  triggerNow(): void {
    this.#claimAt(now());
  }

  /**
   * The queue was queried. The cooldown spares statements that find nothing; River's client counts it from each
   * claim, by which a queue of it starts no more than its slots in 100 ms.
   *
   * @param found whether there were any
   */
  claimed(found: boolean): void {
    const time = now();
    if (!found) this.#lastAt = time;
    const pauseMs = this.#options.pollIntervalMs;
    const jitterMs = Math.max(LEAST_JITTER_MS, pauseMs * JITTER) * this.#random();
    this.#claimAt(time + pauseMs + jitterMs);
  }

  /** Claims no more until it is triggered again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAt = Infinity;
  }

  #claimAt(time: number): void {
    if (this.#dueAt <= time) return;
    clearTimeout(this.#timer);
    this.#dueAt = time;
    const waitMs = time - now();
    // A timer waits for a millisecond at least. Slots that are freed in one turn are filled together.
    if (waitMs <= 0) void nextTurn().then(() => this.#claimIfDue(time));
    else this.#timer = setTimeout(() => this.#claimIfDue(time), waitMs);
  }

  #claimIfDue(time: number): void {
    if (this.#dueAt !== time) return;
    this.stop();
    this.#claim();
  }
}
