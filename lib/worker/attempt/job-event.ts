import type { JobRow } from '../../job/row/job-row.js';
import type { JobEventType } from '../outcome/job-event-type.js';

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
  /** Milliseconds from `scheduledAt` to the start, of the work, and from its end to the stored outcome. */
  readonly waitedMs: number;
  readonly workedMs: number;
  readonly storedAfterMs: number;
}

/** Reports events of jobs. Never throws. */
export type ReportJobEvent = (event: JobEvent) => void;
