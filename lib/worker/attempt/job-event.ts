import type { AttemptError, JobRow, JobRowFields } from '../../job/row/job-row.js';
import type { JobState } from '../../job/row/job-state.js';
import type { JobEventType } from '../outcome/job-event-type.js';
import type { SetState } from '../outcome/set-state.js';

export type { JobEventType } from '../outcome/job-event-type.js';

/** What happened to a job worked here. All but `stuck` come after the outcome is stored. */
export interface JobEvent<Args = unknown> {
  readonly type: JobEventType;
  /** The job as stored after the outcome. */
  readonly job: JobRow<Args>;
  /** What the attempt threw, or the reason of a cancellation. */
  readonly error: unknown;
  /** Whether the job is worked again. */
  readonly willRetry: boolean;
  /** **Milliseconds** from `scheduledAt` to the start of the attempt. */
  readonly waitedMs: number;
  /** **Milliseconds** of the work. */
  readonly workedMs: number;
  /** **Milliseconds** from the end of the work to the stored outcome. */
  readonly storedAfterMs: number;
}

/** Reports events of jobs. Never throws. */
export type ReportJobEvent = (event: JobEvent) => void;

/** The row of a job as it is after its outcome was stored. */
export function storedJob(job: JobRow, setState: SetState, state: JobState): JobRow {
  const { newAttempt, scheduledAt, finalizedAt, error, metadata } = setState;
  // A job that was cancelled meanwhile keeps its attempt and its time.
  const isAsAsked = state === setState.state;
  return {
    ...toPlain(job),
    state,
    attempt: isAsAsked ? (newAttempt ?? job.attempt) : job.attempt,
    scheduledAt: isAsAsked ? (scheduledAt ?? job.scheduledAt) : job.scheduledAt,
    finalizedAt: isAsAsked ? (finalizedAt ?? null) : new Date(),
    errors: error === undefined ? job.errors : [...job.errors, attemptErrorOf(error)],
    metadata:
      metadata === undefined
        ? job.metadata
        : { ...job.metadata, ...(JSON.parse(metadata) as Record<string, unknown>) },
  };
}

function toPlain(job: JobRow & { toJSON?(): JobRowFields }): JobRow {
  return job.toJSON?.() ?? job;
}

function attemptErrorOf(json: string): AttemptError {
  const { at, ...rest } = JSON.parse(json) as AttemptError;
  return { ...rest, at: new Date(at) };
}
