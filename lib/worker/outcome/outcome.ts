const BRAND = Symbol.for('nestjs-river.Outcome');

/** What `@Work` methods return to end an attempt otherwise than by success or an error. */
export type Outcome = CompleteOutcome | SnoozeOutcome | CancelOutcome | DiscardOutcome;

interface Branded {
  readonly [BRAND]: true;
}

/** The job is completed, with an output. */
export interface CompleteOutcome extends Branded {
  readonly type: 'complete';
  readonly output: unknown;
}

/** The job is worked again later, and this attempt does not count. */
export interface SnoozeOutcome extends Branded {
  readonly type: 'snooze';
  /** Milliseconds. */
  readonly ms: number;
}

/** The job is cancelled: it is never worked again. */
export interface CancelOutcome extends Branded {
  readonly type: 'cancel';
  readonly reason: string;
}

/** The job is discarded, whatever attempts it has left. */
export interface DiscardOutcome extends Branded {
  readonly type: 'discard';
  readonly reason: string;
}
