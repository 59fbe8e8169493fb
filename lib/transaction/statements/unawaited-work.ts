import { PauseLog } from '../../postgres/driver/pause-log.js';
import { ObservedPromise } from './observed-promise.js';
import { checkUnhandled } from './unhandled-failures.js';

interface Running {
  readonly name: string;
  readonly ended: Promise<unknown>;
}

interface Failure {
  readonly promise: ObservedPromise<unknown>;
  readonly error: unknown;
}

const ends = new PauseLog(
  'RiverTransaction',
  (waiting, names) =>
    `The end of ${waiting === 1 ? 'a transaction' : `${waiting} transactions`} is waiting for ` +
    `work that was started in it but not awaited: ${names}. Await it.`,
);

/**
 * What has been begun in a transaction and may take several statements: inserts, and the calls of
 * its entity manager. Between two statements of one the queue is empty, and yet it is not done.
 */
export class UnawaitedWork {
  readonly #running = new Map<ObservedPromise<unknown>, Running>();
  readonly #failures: Failure[] = [];
  /** All errors, also of failures that somebody handled. */
  #failed: Set<unknown> | undefined;
  /** One that Node.js reported as unhandled. */
  #unhandled: { readonly error: unknown } | undefined;
  #stopChecking: (() => void) | undefined;
  #isChecking: boolean;
  #begun = 0;

  /** @param isChecking whether to ask Node.js for unhandled failures, until {@link stop} */
  constructor(isChecking = false) {
    this.#isChecking = isChecking;
  }

  /**
   * Follows an operation to its end. If it fails and nobody handles that, {@link throwUnobserved}
   * throws the error, and it is not an unhandled rejection as well.
   */
  follow<T>(name: string, answer: Promise<T>): Promise<T> {
    const ended = answer.then(
      (value) => {
        this.#running.delete(promise);
        return value;
      },
      (error: unknown) => {
        this.#running.delete(promise);
        if (!promise.isObserved) this.#failures.push({ promise, error });
        if (this.#isChecking) this.#checkUnhandled(error);
        promise.silence();
        throw error;
      },
    );
    // Straight from one promise to the other: a stack trace names the callers only then.
    const promise = new ObservedPromise<T>((resolve, reject) => void ended.then(resolve, reject));
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

  /** @returns the same promise, which waits for the end of this work and of statements */
  reportingPause<T>(settled: Promise<T>): Promise<T> {
    return ends.follow(settled, () => this.names.join(', ') || 'a statement');
  }

  async ended(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  /** Whether Node.js has yet to say, in a later turn, if a failure was handled. */
  get mayBeUnhandled(): boolean {
    return this.#failed !== undefined;
  }

  /** It may be handled by passing it on to a promise that we cannot see. */
  #checkUnhandled(error: unknown): void {
    this.#failed ??= new Set();
    this.#failed.add(error);
    this.#stopChecking ??= checkUnhandled((reason) => {
      if (this.#failed?.has(reason)) this.#unhandled ??= { error: reason };
    });
  }

  /** Nobody asks for failures any more. */
  stop(): void {
    this.#isChecking = false;
    this.#stopChecking?.();
  }

  /**
   * Throws the error of an operation that failed without anybody handling it: nobody was notified, so
   * the transaction must fail.
   */
  throwUnobserved(): void {
    // Whoever kept the promise may have awaited it since.
    const failure = this.#failures.find(({ promise }) => !promise.isObserved) ?? this.#unhandled;
    if (failure === undefined) return;
    // From here on somebody is told: whoever ends the transaction, or the savepoint.
    for (const { promise } of this.#failures) promise.observe();
    throw failure.error as Error;
  }
}
