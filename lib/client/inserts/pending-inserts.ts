import { TooManyPendingInsertsError } from '../../errors/insert-errors.js';
import { beforeSettled } from '../../transaction/statements/promised.js';

/** The part of the limit that one list counts at most. */
const MAX_SHARE = 100;

/**
 * Limits the inserts outside transactions that have begun and not ended, since each keeps its job in
 * memory while the database is slower than its callers.
 */
export class PendingInserts {
  readonly #limit: number;
  #pending = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * @param jobs how many the insert has in memory. A list counts a hundredth of the limit at most, so that
   *   a long one does not keep out all others
   * @throws TooManyPendingInsertsError before anything is begun
   */
  run<T>(jobs: number, begin: () => Promise<T>): Promise<T> {
    const weight = Math.min(jobs, Math.ceil(this.#limit / MAX_SHARE));
    if (this.#pending + weight > this.#limit) throw new TooManyPendingInsertsError(this.#limit);
    this.#pending += weight;
    return beforeSettled(begin(), () => void (this.#pending -= weight));
  }
}
