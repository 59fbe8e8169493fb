import { onAbort } from '../../abort-signal.js';
import { TransactionAbortedError } from '../../errors/transaction-errors.js';
import type { RiverTransactionOptions } from './transaction-options.js';
import { clearTimeout, setTimeout } from '../../real-time.js';

/** What ends with the application; the listener is called when its time limit is reached. */
interface EndingWork {
  onAbort(listener: (reason: Error) => void): () => void;
}

type AbortListener = (reason: TransactionAbortedError) => void;

/** Aborts a transaction from outside: by its time limit, its signal, or the end of the application. */
export class Abort {
  readonly #stops: (() => void)[] = [];
  // Its own listeners, since an AbortController takes 20 µs, and every transaction has an Abort.
  readonly #listeners = new Set<AbortListener>();
  #controller: AbortController | undefined;
  #reason: TransactionAbortedError | undefined;

  /** @param activeWork aborts it when the application does not wait any longer */
  constructor({ timeoutMs, signal }: RiverTransactionOptions, activeWork?: EndingWork) {
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => this.abort(`it took longer than ${timeoutMs} ms`), timeoutMs);
      this.#stops.push(() => clearTimeout(timer));
    }
    if (signal !== undefined) {
      const abort = (): void => this.abort('its signal was aborted', signal.reason);
      if (signal.aborted) abort();
      this.#stops.push(onAbort(signal, abort));
    }
    if (activeWork !== undefined) {
      this.#stops.push(
        activeWork.onAbort((reason) => this.abort('the application ended before it did', reason)),
      );
    }
  }

  /** Why it is aborted, once it is: the first reason. */
  get reason(): TransactionAbortedError | undefined {
    return this.#reason;
  }

  /** Aborted with {@link reason}. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(why: string, cause?: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = new TransactionAbortedError(why, cause);
    for (const listener of this.#listeners) listener(this.#reason);
    this.#controller?.abort(this.#reason);
  }

  throwIfAborted(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  /**
   * Calls `listener` when it is aborted, at once if it is already.
   *
   * @returns undoes it
   */
  onAbort(listener: AbortListener): () => void {
    if (this.reason !== undefined) listener(this.reason);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What `work` resolves to, unless it is aborted before. */
  unlessFirst<T>(work: Promise<T>): Promise<T> {
    if (this.#stops.length === 0) return work;
    return new Promise((resolve, reject) => {
      this.onAbort(reject);
      // These two and no functions of ours, or a stack trace would not name the callers.
      work.then(resolve, reject);
    });
  }

  /** Runs `work` under the limits, unless it is aborted already. */
  async limit<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.throwIfAborted();
      return await this.unlessFirst(work());
    } finally {
      this.stop();
    }
  }

  /** From here on nothing aborts it. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }
}
