/** The states of a River job, in the order of River's enum `river_job_state`. */
export const JOB_STATES = [
  'available',
  'cancelled',
  'completed',
  'discarded',
  'pending',
  'retryable',
  'running',
  'scheduled',
] as const;

/** The states in which nobody works a job any more. */
export const FINAL_STATES: readonly JobState[] = ['cancelled', 'completed', 'discarded'];

/** State of a job, as in the column `state`. */
export type JobState = (typeof JOB_STATES)[number];
