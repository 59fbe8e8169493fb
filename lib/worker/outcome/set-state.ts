import type { JobState } from '../../job/row/job-state.js';

/** How the row of a job is changed at the end of an attempt. What is undefined stays as it is. */
export interface SetState {
  readonly id: string;
  /** The attempt that has ended, as claimed: with the client's id, the row must still be of this attempt. */
  readonly attempt: number;
  /**
   * When the job was claimed, in seconds since 1970 as the database wrote them: a job that was given back and
   * claimed anew by the same client has the same number of attempts.
   */
  readonly claimedAt: string;
  readonly state: JobState;
  /** The number of attempts to be stored, where this one does not count. */
  readonly newAttempt: number | undefined;
  readonly scheduledAt: Date | undefined;
  readonly finalizedAt: Date | undefined;
  /** JSON text of the element that is appended to `errors`. */
  readonly error: string | undefined;
  /** JSON text of the object that is merged into `metadata`, at its top level. */
  readonly metadata: string | undefined;
}

/** What became of a {@link SetState}. */
export type StoredOutcome =
  /** It is stored. The state is what is in the row now: a job that was cancelled meanwhile is cancelled. */
  | { readonly stored: true; readonly state: JobState }
  /** The row is gone, or not of this attempt any more: rescued, moved or deleted meanwhile. */
  | { readonly stored: false };
