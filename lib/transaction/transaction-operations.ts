import { ObservedPromise } from './observed-promise.js';

interface Operation {
  readonly name: string;
  observed: boolean;
}

/**
 * What has been begun in a transaction and may take several statements: inserts, and the calls of
 * its entity manager. Between two statements of one the queue is empty, and yet it is not done.
 */
export class TransactionOperations {
  readonly #running = new Map<Operation, Promise<unknown>>();
  #begun = 0;
  readonly #failures: { readonly operation: Operation; readonly error: unknown }[] = [];

  /**
   * Follows an operation to its end. If it fails and nobody waits for it, {@link unobservedFailure}
   * tells; it does not end the process as an unhandled rejection.
   */
  follow<T>(name: string, answer: Promise<T>): Promise<T> {
    const operation: Operation = { name, observed: false };
    const promise = new ObservedPromise<T>((resolve, reject) => {
      const ended = answer.then(
        (value) => {
          this.#running.delete(operation);
          resolve(value);
        },
        (error: unknown) => {
          this.#running.delete(operation);
          if (!operation.observed) this.#failures.push({ operation, error });
          promise.silence();
          reject(error);
        },
      );
      this.#running.set(operation, ended);
    });
    promise.onObserved = () => (operation.observed = true);
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
    return [...this.#running.keys()].map(({ name }) => name);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /**
   * Throws the error of an operation that failed without anybody waiting for it: nobody was told, so
   * the transaction must fail.
   */
  throwUnobserved(): void {
    // Whoever kept the promise may have awaited it since.
    const failure = this.#failures.find(({ operation }) => !operation.observed);
    if (failure === undefined) return;
    // From here on somebody is told: whoever ends the transaction, or the savepoint.
    for (const { operation } of this.#failures) operation.observed = true;
    throw failure.error as Error;
  }
}
