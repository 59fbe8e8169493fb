/**
 * Ends the waits of a bulk insert early: for its items, which may never come, and for the server.
 * `Promise.race` would do, but it keeps the value of every step until the last one is done.
 */
export class CopyInterrupt {
  #raised: { readonly error: unknown } | undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** The first error counts. */
  raise(error: unknown): void {
    this.#raised ??= { error };
    this.#reject(this.#raised.error);
  }

  throwIfRaised(): void {
    if (this.#raised !== undefined) throw this.#raised.error;
  }

  /** Waits for a step, unless the interrupt is raised before; one step at a time. */
  unlessRaised<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      step.then(resolve, reject);
      if (this.#raised !== undefined) reject(this.#raised.error);
    });
  }
}
