import type { Wake } from '../../postgres/insert/wake.js';
import { clearTimeout, now, setTimeout } from '../../real-time.js';

/** How often, and after how many milliseconds, a notification that could not be sent is tried again. */
const MAX_RETRIES = 3;
const RETRY_AFTER_MS = 1_000;

/** What the notifier needs of the outside. */
export interface InsertNotifierOptions {
  /** Milliseconds in which a queue is notified once at most. */
  readonly cooldownMs: number;
  /** Notifies queues by a statement of its own. */
  readonly send: (queues: readonly string[]) => Promise<void>;
  /** Told when that failed, and how often it will be tried again. */
  readonly onFailure?: (error: unknown, triesLeft: number) => void;
  /** Called when it succeeded after this many failures. */
  readonly onRecovery?: (failures: number) => void;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/**
 * Spares notifications: each takes Postgres a lock at commit, and a worker that has just been woken
 * needs no other call. The first insert into a queue notifies and opens a window; what falls into
 * the window is not dropped but told at its end, when its jobs are committed and visible.
 */
export class InsertNotifier {
  readonly #options: InsertNotifierOptions;
  readonly #now: () => number;
  readonly #windowEnds = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #sending = new Set<Promise<void>>();
  #closing = false;

  constructor(options: InsertNotifierOptions) {
    this.#options = options;
    this.#now = options.now ?? now;
  }

  /**
   * The wake of one insert outside of transactions. What it was admitted for and stored nothing of
   * closes its window again; what it stored without being admitted is told at the window's end.
   */
  forInsert(): Wake {
    let admitted: readonly string[] = [];
    return {
      admit: (queues) => {
        admitted = queues.filter((queue) => this.#closing || !this.#inWindow(queue));
        for (const queue of admitted) this.#openWindow(queue);
        return admitted;
      },
      stored: (queues) => {
        for (const queue of admitted) if (!queues.includes(queue)) this.#windowEnds.delete(queue);
        this.wake(queues.filter((queue) => !admitted.includes(queue)));
      },
    };
  }

  /** Jobs are committed in these queues, and nobody was told: tells now or at the window's end. */
  wake(queues: readonly string[]): void {
    const now: string[] = [];
    for (const queue of queues) {
      if (this.#timers.has(queue)) continue;
      const wait = (this.#windowEnds.get(queue) ?? 0) - this.#now();
      if (this.#closing || wait <= 0) now.push(queue);
      else
        this.#timers.set(
          queue,
          setTimeout(() => this.#tell([queue]), wait),
        );
    }
    if (now.length > 0) this.#tell(now);
  }

  /** Tells at once what was still waiting; from here on nothing is delayed. */
  async close(): Promise<void> {
    this.#closing = true;
    const waiting = [...this.#timers.keys()];
    if (waiting.length > 0) this.#tell(waiting);
    await Promise.all(this.#sending);
  }

  /** Undoes {@link close}: notifications are delayed again. */
  reopen(): void {
    this.#closing = false;
  }

  #inWindow(queue: string): boolean {
    return this.#now() < (this.#windowEnds.get(queue) ?? 0);
  }

  #openWindow(queue: string): void {
    this.#windowEnds.set(queue, this.#now() + this.#options.cooldownMs);
  }

  #tell(queues: readonly string[], triesLeft = MAX_RETRIES): void {
    for (const queue of queues) {
      clearTimeout(this.#timers.get(queue));
      this.#timers.delete(queue);
      this.#openWindow(queue);
    }
    const sent = this.#options
      .send(queues)
      .then(() => {
        if (triesLeft < MAX_RETRIES) this.#options.onRecovery?.(MAX_RETRIES - triesLeft);
      })
      .catch((error: unknown) => this.#retry(queues, error, triesLeft))
      .finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
  }

  /** Workers would find the jobs only when they poll, so it is worth another try or two. */
  #retry(queues: readonly string[], error: unknown, triesLeft: number): void {
    const left = this.#closing ? 0 : triesLeft;
    this.#options.onFailure?.(error, left);
    if (left === 0) return;
    for (const queue of queues) {
      if (this.#timers.has(queue)) continue;
      this.#timers.set(
        queue,
        setTimeout(() => this.#tell([queue], left - 1), RETRY_AFTER_MS),
      );
    }
  }
}
