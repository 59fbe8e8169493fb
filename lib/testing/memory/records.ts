import { statesOfBits } from '../../insert/unique/unique-key.js';
import type { JobState } from '../../job/row/job-state.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';

/** A row of `river_job`. Never changed: a change makes another. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly id: bigint;
  /** As jsonb prints it, as is `metadata`. */
  readonly args: string;
  readonly attempt: number;
  readonly attemptedAt: number | null;
  readonly attemptedBy: readonly string[];
  readonly createdAt: number;
  /** Each the text of an object. */
  readonly errors: readonly string[];
  readonly finalizedAt: number | null;
  readonly kind: string;
  readonly maxAttempts: number;
  readonly metadata: string;
  readonly priority: number;
  readonly queue: string;
  readonly scheduledAt: number;
  readonly state: JobState;
  readonly tags: readonly string[];
  /** In hexadecimal. */
  readonly uniqueKey: string | null;
  /** The bits of the column. */
  readonly uniqueStates: string | null;
}

/** A row of `river_queue`. */
export interface QueueRecord {
  readonly name: string;
  readonly createdAt: number;
  readonly metadata: string;
  readonly pausedAt: number | null;
  readonly updatedAt: number;
}

/** The key of a job in River's unique index: null where it is not in it. */
export function indexedKey({ uniqueKey, uniqueStates, state }: JobRecord): string | null {
  if (uniqueKey === null || uniqueStates === null) return null;
  return statesOfBits(uniqueStates).includes(state) ? uniqueKey : null;
}

/** A job as the columns that statements select, all of them text. */
export function jobRow(job: JobRecord): Record<string, string | null> {
  return {
    id: String(job.id),
    args: job.args,
    attempt: String(job.attempt),
    attempted_at: timeText(job.attemptedAt),
    attempted_by: job.attemptedBy.length === 0 ? null : JSON.stringify(job.attemptedBy),
    created_at: timeText(job.createdAt),
    errors: job.errors.length === 0 ? null : `[${job.errors.join(', ')}]`,
    finalized_at: timeText(job.finalizedAt),
    kind: job.kind,
    max_attempts: String(job.maxAttempts),
    metadata: job.metadata,
    priority: String(job.priority),
    queue: job.queue,
    scheduled_at: timeText(job.scheduledAt),
    state: job.state,
    tags: JSON.stringify(job.tags),
    unique_key: job.uniqueKey,
    unique_states: job.uniqueStates,
  };
}

export function queueRow(queue: QueueRecord): TextRow {
  return {
    name: queue.name,
    created_at: timeText(queue.createdAt),
    metadata: queue.metadata,
    paused_at: timeText(queue.pausedAt),
    updated_at: timeText(queue.updatedAt),
  };
}

export function timeText(time: number | null): string | null {
  return time === null ? null : String(time);
}

/** Reads what `timestamp()` writes, with a fraction of up to microseconds. */
export function timeOf(text: string): number {
  const [, year = '', rest = '', fraction = '', bc] =
    /^(\d+)(-\d\d-\d\dT\d\d:\d\d:\d\d)\.?(\d*)(?:Z|\+00:00)( BC)?$/.exec(text) ?? [];
  const signed = bc === undefined ? Number(year) : 1 - Number(year);
  const digits = `${signed < 0 ? '-' : '+'}${String(Math.abs(signed)).padStart(6, '0')}`;
  // The year 0 has no sign in ISO 8601.
  const seconds = Date.parse(`${digits.replace('-000000', '+000000')}${rest}Z`);
  return seconds + Number(`0.${fraction || '0'}`) * 1000;
}
