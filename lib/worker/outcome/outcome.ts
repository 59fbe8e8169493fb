import { milliseconds } from '../../errors/checks.js';
import { invalidParams } from '../../errors/invalid-errors.js';
import { errorText } from './attempt-error.js';

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

/** The longest snooze: a thousand years. */
const MAX_SNOOZE_MS = 1_000 * 365.25 * 86_400_000;

/**
 * Completes the job with an output, which `waitFor` and `insertAndWait` return.
 *
 * @param output what JSON can hold, at most 32 MiB of it; `undefined` records none
 */
export function complete(output?: unknown): CompleteOutcome {
  return branded({ type: 'complete', output });
}

/**
 * Has the job worked again after some time. The attempt does not count, so a job can be snoozed any number
 * of times.
 *
 * @param ms **milliseconds** from the end of the attempt, 0 or more
 * @throws InvalidParamsError
 */
export function snooze(ms: number): SnoozeOutcome {
  return branded({ type: 'snooze', ms: milliseconds(0, MAX_SNOOZE_MS)(ms, 'ms', invalidParams) });
}

/**
 * Cancels the job: it is never worked again.
 *
 * @param reason is stored in the job's `errors`
 */
export function cancel(reason: string | Error): CancelOutcome {
  return branded({ type: 'cancel', reason: errorText(reason) });
}

/**
 * Discards the job, whatever attempts it has left, as after its last attempt.
 *
 * @param reason is stored in the job's `errors`
 */
export function discard(reason: string | Error): DiscardOutcome {
  return branded({ type: 'discard', reason: errorText(reason) });
}

/** Whether a value was made by one of the functions here, also by another installed copy of them. */
export function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && BRAND in value;
}

function branded<T extends object>(outcome: T): T & Branded {
  return Object.freeze({ ...outcome, [BRAND]: true as const });
}
