import { RiverConfigurationError } from '../errors/configuration-error.js';
import { checkInsertOpts } from '../insert/check-insert-opts.js';
import type { InsertContext } from '../insert/insert-params.js';
import type { RiverModuleOptions } from './client-options.js';
import { KindRegistry } from './kind-registry.js';

/** What a client adds to the jobs of each of its calls. */
export class InsertContexts {
  readonly #kinds = new KindRegistry();
  readonly #clock: () => Date;
  readonly #isClockGiven: boolean;
  readonly #moduleOpts: InsertContext['moduleOpts'];

  constructor({ clock, maxAttempts, outsideTransaction }: RiverModuleOptions) {
    this.#clock = clock ?? (() => new Date());
    this.#isClockGiven = clock !== undefined;
    this.#moduleOpts = checkInsertOpts({ maxAttempts, outsideTransaction });
  }

  /** That of one call: with a reading of the clock that all its jobs share. */
  next(): InsertContext {
    return {
      now: this.#now(),
      isClockGiven: this.#isClockGiven,
      moduleOpts: this.#moduleOpts,
      claimKind: (job) => this.#kinds.claim(job),
    };
  }

  #now(): Date {
    const now = this.#clock();
    // A copy, since the clock may hand out the same Date again and change it.
    if (now instanceof Date && !Number.isNaN(now.getTime())) return new Date(now);
    throw new RiverConfigurationError('clock: must return a valid Date.', {
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'clock',
    });
  }
}
