import { now } from '../../real-time.js';

/**
 * The database's clock, by which all processes agree what time it is. Never ahead of it by more than the
 * clocks have drifted apart since it was last read.
 */
export class DatabaseClock {
  #aheadMs = Number.NaN;

  /** The clock was read. */
  set(databaseMs: number): void {
    this.#aheadMs = databaseMs - now();
  }

  now(): number {
    return now() + this.#aheadMs;
  }
}
