import { ObservedPromise } from './observed-promise.js';

interface Running {
  readonly name: string;
  /** Settled when it is done; never rejects. */
  readonly ended: Promise<void>;
}

interface Failure {
  readonly promise: ObservedPromise<unknown>;
  readonly error: unknown;
}

/**
 * What has been begun in a transaction and may take several statements: inserts, and the calls of
 * its entity manager. Between two statements of one the queue is empty, and yet it is not done.
 */
export class TransactionOperations {
  readonly #running = new Map<ObservedPromise<unknown>, Running>();
  readonly #failures: Failure[] = [];
  #begun = 0;

  /**
   * Follows an operation to its end. If it fails and nobody waits for it, {@link throwUnobserved}
   * tells; it does not end the process as an unhandled rejection.
   */
  follow<T>(name: string, answer: Promise<T>): Promise<T> {
    let settle: { resolve: (value: T) => void; reject: (error: unknown) => void };
    const promise = new ObservedPromise<T>((resolve, reject) => (settle = { resolve, reject }));
    const ended = answer.then(
      (value) => {
        this.#running.delete(promise);
        settle.resolve(value);
      },
      (error: unknown) => {
        this.#running.delete(promise);
        if (!promise.isObserved) this.#failures.push({ promise, error });
        promise.silence();
        settle.reject(error);
      },
    );
    this.#running.set(promise, { name, ended });
    this.#begun++;
    return promise;
  }

  /** How many were begun so far. */
  get begun(): number {
    return this.#begun;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Names of what is not done. */
  get names(): string[] {
    return [...this.#running.values()].map(({ name }) => name);
  }

  async ended(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /**
   * Throws the error of an operation that failed without anybody waiting for it: nobody was told, so
   * the transaction must fail.
   */
  throwUnobserved(): void {
    // Whoever kept the promise may have awaited it since.
    const failure = this.#failures.find(({ promise }) => !promise.isObserved);
    if (failure === undefined) return;
    // From here on somebody is told: whoever ends the transaction, or the savepoint.
    for (const { promise } of this.#failures) promise.isObserved = true;
    throw failure.error as Error;
  }
}
