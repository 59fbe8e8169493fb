import { RiverError } from './river-error.js';

/** Which job was dropped. */
export interface DroppedJob {
  /** Its position in the list given, from 0; undefined where it is not known, or the only one. */
  readonly index?: number | undefined;
  /** Whether others were given with it: none of them is stored. */
  readonly isOfMany: boolean;
}

/**
 * A BEFORE INSERT trigger that the application has on `river_job` kept a job out of the table. Nothing
 * of the call is stored. In a transaction, `insert` leaves it usable; a list of jobs aborts it.
 */
export class JobDroppedError extends RiverError {
  constructor({ index, isOfMany }: DroppedJob) {
    const others = isOfMany ? ', so nothing of this call is stored' : '';
    const which = isOfMany ? 'A job of the list' : 'The job';
    super(
      `${index === undefined ? which : `jobs[${index}]`} is not stored: a BEFORE INSERT trigger on ` +
        `river_job dropped it${others}. Find out why the trigger drops it (a rate limit, a queue that ` +
        'is switched off) and insert it again later, or change the trigger.',
      { code: 'RIVER_JOB_DROPPED', index },
    );
  }
}
