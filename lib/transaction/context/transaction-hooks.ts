import { DEFAULT_OPTIONS } from '../../default-options.js';
import { HookTimeoutError } from '../../errors/transaction-errors.js';
import { clearTimeout, setTimeout } from '../../real-time.js';

/** A hook of the application; a promise that it returns is awaited before the next one runs. */
export type TransactionHook = () => unknown;

/** How a transaction ended; `unknown` when the connection broke during COMMIT. */
export type TransactionOutcome = 'commit' | 'rollback' | 'unknown';

/** What shall happen after the end of a scope, whichever way it ends. */
export class TransactionHooks {
  /** Our own, which must not wait for the application's. */
  readonly #first: TransactionHook[] = [];
  readonly #afterCommit: TransactionHook[] = [];
  readonly #afterRollback: TransactionHook[] = [];
  /** Of savepoints that were rolled back. */
  readonly #always: TransactionHook[] = [];

  get isEmpty(): boolean {
    const { length } = this.#first;
    return (
      length + this.#afterCommit.length + this.#afterRollback.length + this.#always.length === 0
    );
  }

  /** Before all hooks of the application. */
  firstAfterCommit(hook: TransactionHook): void {
    this.#first.push(hook);
  }

  afterCommit(hook: TransactionHook): void {
    this.#afterCommit.push(hook);
  }

  afterRollback(hook: TransactionHook): void {
    this.#afterRollback.push(hook);
  }

  /** The scope around decides in the end. */
  passTo(outer: TransactionHooks): void {
    outer.#first.push(...this.#first);
    outer.#afterCommit.push(...this.#afterCommit);
    outer.#afterRollback.push(...this.#afterRollback);
    outer.#always.push(...this.#always);
  }

  /** The scope was rolled back; it is told so when the whole is over, whatever becomes of that. */
  passRollbacksTo(outer: TransactionHooks): void {
    outer.#always.push(...this.#afterRollback, ...this.#always);
  }

  /** Runs the hooks in order. Their errors are reported and change nothing: the fact stands. */
  async run(
    outcome: TransactionOutcome,
    report: (error: unknown) => void,
    timeoutMs: number = DEFAULT_OPTIONS.hookTimeoutMs,
  ): Promise<void> {
    // Of an outcome that is not known neither may be told: it may be false.
    const hooks = {
      commit: [...this.#first, ...this.#afterCommit],
      rollback: this.#afterRollback,
      unknown: [],
    };
    for (const hook of [...this.#always, ...hooks[outcome]]) {
      try {
        const result = hook();
        if (isThenable(result)) await settled(Promise.resolve(result).catch(report), timeoutMs);
      } catch (error) {
        report(error);
      }
    }
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** @throws HookTimeoutError; what becomes of the hook later is reported all the same */
function settled(hook: Promise<unknown>, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new HookTimeoutError(timeoutMs)), timeoutMs);
    void hook.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
