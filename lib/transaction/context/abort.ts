import { onAbort, withDeadline } from '../../abort-signal.js';
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
  readonly #controller = new AbortController();

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
    return this.signal.reason as TransactionAbortedError | undefined;
  }

  /** Aborted with {@link reason}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(why: string, cause?: unknown): void {
    if (this.reason === undefined) this.#controller.abort(new TransactionAbortedError(why, cause));
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
    return onAbort(this.signal, () => listener(this.signal.reason as TransactionAbortedError));
  }

  /** What `work` resolves to, unless it is aborted before. */
  unlessFirst<T>(work: Promise<T>): Promise<T> {
    if (this.#stops.length === 0) return work;
    return withDeadline(work, { signals: [this.signal] });
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
