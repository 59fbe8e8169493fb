import type { JobRow, Queue } from 'nestjs-river';

/** A job's row as the Go program reports it. */
export interface GoRow {
  readonly id: string;
  readonly attempt: number;
  readonly attemptedAt: string | null;
  readonly attemptedBy: readonly string[] | null;
  readonly createdAt: string;
  readonly encodedArgs: string;
  readonly errorCount: number;
  readonly finalizedAt: string | null;
  readonly kind: string;
  readonly maxAttempts: number;
  readonly metadata: string;
  readonly priority: number;
  readonly queue: string;
  readonly scheduledAt: string;
  readonly state: string;
  readonly tags: readonly string[];
  readonly uniqueKey: string | null;
  readonly uniqueStates: readonly string[] | null;
}

/** A queue's row as the Go program reports it. */
export interface GoQueue {
  readonly name: string;
  readonly createdAt: string;
  readonly metadata: string;
  readonly pausedAt: string | null;
  readonly updatedAt: string;
}

/** What a time is called that lies within the last minute: two clients never call at one moment. */
const JUST_NOW = 'just now';

function moment(time: string | Date | null): string | null {
  if (time === null) return null;
  const date = new Date(time);
  const age = Date.now() - date.getTime();
  return age > -1_000 && age < 60_000 ? JUST_NOW : date.toISOString();
}

/** The metadata as they are, but for the time of a cancellation, which Go prints to the nanosecond. */
function comparableMetadata(metadata: unknown): unknown {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return metadata;
  const { cancel_attempted_at: cancelled, ...others } = metadata as Record<string, unknown>;
  if (cancelled === undefined) return metadata;
  return { ...others, cancel_attempted_at: moment(cancelled as string) };
}

/** A row that Go answered, without its id. */
export function comparableGo({ id: _id, ...row }: GoRow): object {
  return {
    ...row,
    attemptedAt: moment(row.attemptedAt),
    attemptedBy: row.attemptedBy ?? [],
    createdAt: moment(row.createdAt),
    finalizedAt: moment(row.finalizedAt),
    metadata: comparableMetadata(JSON.parse(row.metadata)),
    scheduledAt: moment(row.scheduledAt),
    uniqueStates: row.uniqueStates && [...row.uniqueStates].sort(),
  };
}

/** A row that we answered, without its id. */
export function comparableOurs(job: JobRow): object {
  return {
    attempt: job.attempt,
    attemptedAt: moment(job.attemptedAt),
    attemptedBy: job.attemptedBy,
    createdAt: moment(job.createdAt),
    encodedArgs: job.encodedArgs,
    errorCount: job.errors.length,
    finalizedAt: moment(job.finalizedAt),
    kind: job.kind,
    maxAttempts: job.maxAttempts,
    metadata: comparableMetadata(job.metadata),
    priority: job.priority,
    queue: job.queue,
    scheduledAt: moment(job.scheduledAt),
    state: job.state,
    tags: job.tags,
    uniqueKey: job.uniqueKey,
    uniqueStates: job.uniqueStates && [...job.uniqueStates].sort(),
  };
}

/** A stored row, whose columns are text. */
export function comparableStored(
  row: Readonly<Record<string, string | null>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, text]) => {
      if (column.endsWith('_at')) return [column, moment(text)];
      if (column === 'metadata') return [column, comparableMetadata(JSON.parse(text ?? 'null'))];
      return [column, text];
    }),
  );
}

export function comparableGoQueue(queue: GoQueue): object {
  return {
    ...queue,
    createdAt: moment(queue.createdAt),
    metadata: JSON.parse(queue.metadata) as unknown,
    pausedAt: moment(queue.pausedAt),
    updatedAt: moment(queue.updatedAt),
  };
}

export function comparableQueue(queue: Queue): object {
  return {
    ...queue,
    createdAt: moment(queue.createdAt),
    pausedAt: moment(queue.pausedAt),
    updatedAt: moment(queue.updatedAt),
  };
}
