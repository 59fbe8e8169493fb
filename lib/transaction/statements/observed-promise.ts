/**
 * A promise that knows whether anybody handles its failure. `await`, `catch`, `then` with two handlers,
 * returning it from an async function and the combinators of `Promise` do. `then` with one handler and
 * `finally` pass the failure on to a new promise, which must be handled itself.
 */
export class ObservedPromise<T> extends Promise<T> {
  #isHandled = false;
  #passedTo: ObservedPromise<unknown>[] | undefined;

  /** What handles a failure returns an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Whether somebody handles its failure, if it fails. */
  get isObserved(): boolean {
    return this.#isHandled || this.#passedTo?.some((promise) => promise.isObserved) === true;
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (typeof onRejected !== 'function') return this.#pass(onFulfilled, rethrow);
    this.#isHandled = true;
    return super.then(onFulfilled, onRejected);
  }

  /** That of `Promise` calls `then` with two handlers, though it passes the failure on. */
  override finally(onFinally?: (() => void) | null): Promise<T> {
    if (typeof onFinally !== 'function') return this.then();
    const first = async (): Promise<void> => onFinally();
    return this.#pass(
      (value) => first().then(() => value),
      (reason) => first().then(() => rethrow(reason)),
    );
  }

  /** Marks its failure as reported. */
  observe(): void {
    this.#isHandled = true;
  }

  /** Lets its failure be no unhandled rejection, and is no observation. */
  silence(): void {
    void super.then(undefined, () => undefined);
  }

  /** @param onRejected throws */
  #pass<A>(
    onFulfilled: ((value: T) => A | PromiseLike<A>) | null | undefined,
    onRejected: (reason: unknown) => PromiseLike<never> | never,
  ): Promise<A> {
    const passed = super.then(onFulfilled, (reason: unknown) => {
      // The failure is reported already. One of `onFulfilled` is not, and stays as it is.
      derived.silence();
      return onRejected(reason);
    });
    const derived = new ObservedPromise<A>((resolve) => resolve(passed));
    (this.#passedTo ??= []).push(derived);
    return derived;
  }
}

function rethrow(reason: unknown): never {
  throw reason;
}
