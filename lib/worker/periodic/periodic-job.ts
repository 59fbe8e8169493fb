import type { InsertManyItem } from '../../client/inserts/insert-many-params.js';
import type { Schedule } from './schedule.js';

/** A job that is inserted whenever its schedule says so. */
export interface PeriodicJob {
  readonly id: string;
  readonly schedule: Schedule;
  /** Whether a job is also inserted when the fleet starts. */
  readonly runOnStart: boolean;
  /**
   * Makes the job of one due time; null: not this time. It may be called for one time in several
   * processes, of which one inserts what it returns.
   */
  readonly make: (at: Date) => InsertManyItem | null | Promise<InsertManyItem | null>;
}
