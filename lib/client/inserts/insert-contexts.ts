import { invalidModuleOption } from '../../errors/setup-errors.js';
import { reading } from '../../errors/reading.js';
import { DEFAULT_OPTIONS } from '../../default-options.js';
import { NOTHING_GIVEN } from '../../insert/options/checked-insert-opts.js';
import type { InsertContext } from '../../insert/insert-params.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { timeOf } from '../../job/time-of.js';
import { KindRegistry } from './kind-registry.js';

/** What a client adds to the jobs of each of its calls. */
export class InsertContexts {
  readonly #kinds = new KindRegistry();
  readonly #clock: () => Date;
  readonly #isClockGiven: boolean;
  readonly #moduleOpts: InsertContext['moduleOpts'];

  constructor({ clock, maxAttempts, outsideTransaction }: ResolvedOptions) {
    this.#clock = clock ?? (() => new Date());
    this.#isClockGiven = clock !== undefined;
    const saysNothing =
      maxAttempts === DEFAULT_OPTIONS.maxAttempts &&
      outsideTransaction === DEFAULT_OPTIONS.outsideTransaction;
    this.#moduleOpts = saysNothing
      ? NOTHING_GIVEN
      : Object.freeze({ maxAttempts, outsideTransaction });
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
    const now = timeOf(reading(badClock, () => this.#clock()));
    if (Number.isNaN(now)) throw badClock('must return a valid Date');
    return new Date(now);
  }
}

const badClock = invalidModuleOption.bind(undefined, 'clock');
