import { TransactionAbortedError } from '../errors/transaction-error.js';
import type { ActiveWork } from './active-work.js';
import type { RiverTransactionOptions } from './transaction-options.js';

/** Gives up a transaction from outside: by its time limit, its signal, or the end of the application. */
export class Abort {
  readonly #stops: (() => void)[] = [];
  readonly #stopWatchingEnd: (() => void) | undefined;
  #raised: TransactionAbortedError | undefined;
  #onRaise: ((error: TransactionAbortedError) => void) | undefined;

  /** @param activeWork gives it up when the application does not wait any longer */
  constructor({ timeoutMs, signal }: RiverTransactionOptions, activeWork?: ActiveWork) {
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => this.#raise(`it took longer than ${timeoutMs} ms`), timeoutMs);
      this.#stops.push(() => clearTimeout(timer));
    }
    if (signal !== undefined) {
      const onAbort = (): void => this.#raise('its signal was raised', signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#stops.push(() => signal.removeEventListener('abort', onAbort));
    }
    this.#stopWatchingEnd = activeWork?.whenGivenUp((reason) =>
      this.#raise('the application ended before it did', reason),
    );
  }

  get isRaised(): boolean {
    return this.#raised !== undefined;
  }

  #raise(why: string, cause?: unknown): void {
    this.#raised ??= new TransactionAbortedError(why, cause);
    this.#onRaise?.(this.#raised);
  }

  /** The answer of `work`, unless it is given up first. */
  unlessFirst<T>(work: Promise<T>): Promise<T> {
    if (this.#stops.length === 0 && this.#stopWatchingEnd === undefined) return work;
    return new Promise((resolve, reject) => {
      if (this.#raised !== undefined) reject(this.#raised);
      this.#onRaise = reject;
      work.then(resolve, reject);
    });
  }

  /** Runs `work` under the limits, and lets go of them when it is done. */
  async limit<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.unlessFirst(work());
    } finally {
      this.stop();
    }
  }

  /** Calls `tell` when it is raised, at once if it is already; nobody else is told from here on. */
  whenRaised(tell: () => void): void {
    this.#onRaise = tell;
    if (this.#raised !== undefined) tell();
  }

  /**
   * From here on only the end of the application gives it up.
   *
   * @throws TransactionAbortedError when it is raised already
   */
  leaveLimits(): void {
    for (const stop of this.#stops) stop();
    if (this.#raised !== undefined) throw this.#raised;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stopWatchingEnd?.();
  }
}
