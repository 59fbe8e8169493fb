import { describeValue } from '../../errors/describe-value.js';
import { InvalidJobError, unreadable } from '../../errors/invalid-errors.js';
import { isAbortSignal } from '../../errors/is-abort-signal.js';
import { nameText } from '../../errors/name-text.js';
import { reading } from '../../errors/reading.js';
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

const CHECKS: Record<
  keyof InsertManyFastOptions,
  readonly [rule: string, holds: (value: unknown) => boolean]
> = {
  onConflict: ["must be 'fail' or 'skip'", (value) => value === 'fail' || value === 'skip'],
  onProgress: ['must be a function', (value) => typeof value === 'function'],
  signal: ['must be an AbortSignal', isAbortSignal],
};

/** @throws InvalidJobError naming the option and its rule */
export function checkInsertManyFastOpts(opts: unknown): InsertManyFastOptions {
  if (opts === undefined || opts === null) return {};
  if (typeof opts !== 'object') throw refused('options', 'must be an object', opts);
  const given = reading(unreadable('options', 'RIVER_INVALID_OPTION'), () => ({ ...opts }));
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(CHECKS, name)) {
      const names = Object.keys(CHECKS).join(', ');
      throw refused(nameText(name), `there is no such option. The options are ${names}`);
    }
    const [rule, holds] = CHECKS[name as keyof InsertManyFastOptions];
    if (value !== undefined && !holds(value)) throw refused(name, rule, value);
  }
  return given;
}

function refused(field: string, rule: string, value?: unknown): InvalidJobError {
  const got = value === undefined ? '' : `; got ${describeValue(value)}`;
  return new InvalidJobError(`${field}: ${rule}${got}.`, { code: 'RIVER_INVALID_OPTION', field });
}
