/** A hook of the application; what it answers is awaited before the next one runs. */
export type TransactionHook = () => unknown;

/** What shall happen after the end of a scope, whichever way it ends. */
export class TransactionHooks {
  readonly #afterCommit: TransactionHook[] = [];
  readonly #afterRollback: TransactionHook[] = [];
  /** Of savepoints that were rolled back. */
  readonly #always: TransactionHook[] = [];

  afterCommit(hook: TransactionHook): void {
    this.#afterCommit.push(hook);
  }

  afterRollback(hook: TransactionHook): void {
    this.#afterRollback.push(hook);
  }

  /** The scope around decides in the end. */
  passTo(outer: TransactionHooks): void {
    outer.#afterCommit.push(...this.#afterCommit);
    outer.#afterRollback.push(...this.#afterRollback);
    outer.#always.push(...this.#always);
  }

  /** The scope was rolled back; it is told so when the whole is over, whatever becomes of that. */
  passRollbacksTo(outer: TransactionHooks): void {
    outer.#always.push(...this.#afterRollback, ...this.#always);
  }

  /** Runs the hooks in order. Their errors are reported and change nothing: the fact stands. */
  async run(outcome: 'commit' | 'rollback', report: (error: unknown) => void): Promise<void> {
    const hooks = outcome === 'commit' ? this.#afterCommit : this.#afterRollback;
    for (const hook of [...this.#always, ...hooks]) {
      try {
        await hook();
      } catch (error) {
        report(error);
      }
    }
  }
}
