import { TransactionAbortedError } from '../errors/transaction-error.js';
import type { RiverTransactionOptions } from './transaction-options.js';

/** Gives up a transaction from outside: by its time limit, its signal, or the end of the application. */
export class Abort {
  readonly #aborted: Promise<never> | undefined;
  readonly #stops: (() => void)[] = [];
  isRaised = false;

  /** @param ending raised when the application does not wait any longer */
  constructor({ timeoutMs, signal }: RiverTransactionOptions, ending?: AbortSignal) {
    if (timeoutMs === undefined && signal === undefined && ending === undefined) return;
    this.#aborted = new Promise((_resolve, reject) => {
      const raise = (why: string, cause?: unknown): void => {
        this.isRaised = true;
        reject(new TransactionAbortedError(why, cause));
      };
      if (timeoutMs !== undefined) {
        const timer = setTimeout(() => raise(`it took longer than ${timeoutMs} ms`), timeoutMs);
        this.#stops.push(() => clearTimeout(timer));
      }
      this.#watch(signal, (reason) => raise('its signal was raised', reason));
      this.#watch(ending, (reason) => raise('the application ended before it did', reason));
    });
    this.#aborted.catch(() => undefined);
  }

  #watch(signal: AbortSignal | undefined, raise: (reason: unknown) => void): void {
    if (signal === undefined) return;
    const onAbort = (): void => raise(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stops.push(() => signal.removeEventListener('abort', onAbort));
  }

  async unlessFirst<T>(work: Promise<T>): Promise<T> {
    if (this.#aborted === undefined) return await work;
    work.catch(() => undefined);
    return await Promise.race([this.#aborted, work]);
  }

  /** Runs `work` under the limits, and lets go of them when it is done. */
  async limit<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.unlessFirst(work());
    } finally {
      this.stop();
    }
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}
