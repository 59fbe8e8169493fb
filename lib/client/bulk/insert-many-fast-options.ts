import { callable, checkOptions, oneOf, signal, type Checks } from '../../errors/checks.js';
import { invalidOption } from '../../insert/options/check-insert-opts.js';
import type { InsertManyItem } from '../inserts/insert-many-params.js';

/** What `insertManyFast` takes: an array, or what hands out items one by one. */
export type InsertManyFastItems = Iterable<InsertManyItem> | AsyncIterable<InsertManyItem>;

/** Options of `insertManyFast`. */
export interface InsertManyFastOptions {
  /**
   * What happens when an equal unique job is stored already, or precedes it among the items.
   * `fail`: nothing is inserted, and the call fails with a UniqueConflictError. `skip`: it is left
   * out. Default `fail`, as River's Go client.
   */
  readonly onConflict?: 'fail' | 'skip' | undefined;
  /**
   * Called now and then with the number of jobs sent so far; none of them is stored before the call
   * answers. A promise that it returns is waited for; an error gives the insert up.
   */
  readonly onProgress?: ((jobs: number) => unknown) | undefined;
  /**
   * Aborts the insert: nothing is stored. It has no effect once COMMIT is under way, or, in a
   * transaction, once the last job is inserted.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How many jobs an `insertManyFast` stored, and how many it left out. */
export interface InsertManyFastResult {
  readonly inserted: number;
  /** Unique jobs of which an equal one was there; 0 unless `onConflict` is `skip`. */
  readonly skipped: number;
}

const CHECKS: Checks<InsertManyFastOptions> = {
  onConflict: oneOf('fail', 'skip'),
  onProgress: callable(),
  signal,
};

/** @throws InvalidJobError naming the option and its rule */
export function checkInsertManyFastOpts(opts: unknown): InsertManyFastOptions {
  return checkOptions(opts ?? {}, CHECKS, { refuse: invalidOption });
}
