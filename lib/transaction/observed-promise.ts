/**
 * A promise that knows whether anybody waits for it. `await`, `then`, `catch`, returning it from an
 * async function: all of them call `then`.
 */
export class ObservedPromise<T> extends Promise<T> {
  /** Whether somebody waits for the answer. */
  isObserved = false;

  /** What is derived of it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isObserved = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Lets its failure be no unhandled rejection, and is no observation. */
  silence(): void {
    void super.then(undefined, () => undefined);
  }
}
