/**
 * A promise that knows whether anybody waits for it. `await`, `then`, `catch`, returning it from an
 * async function: all of them call `then`.
 */
export class ObservedPromise<T> extends Promise<T> {
  #onObserved: (() => void) | undefined;

  /** What is derived of it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** @param onObserved called once, when somebody first waits for the answer */
  static of<T>(answer: Promise<T>, onObserved: () => void): ObservedPromise<T> {
    const promise = new ObservedPromise<T>((resolve, reject) => {
      answer.then(resolve, reject);
    });
    // Whoever does not wait is not told by an unhandled rejection either: the transaction fails.
    void promise.then(undefined, () => undefined);
    promise.#onObserved = onObserved;
    return promise;
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onObserved?.();
    this.#onObserved = undefined;
    return super.then(onFulfilled, onRejected);
  }
}
