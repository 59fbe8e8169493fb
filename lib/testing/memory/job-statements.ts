import type { JobState } from '../../job/row/job-state.js';
import { statesOfBits } from '../../insert/unique/unique-key.js';
import { CANCEL_MARK } from '../../postgres/administration/job-change-statements.js';
import { currentTime } from './clock.js';
import { answer, type Answer } from './answer.js';
import { jsonbText, parseJsonb, printJsonb, type JsonbObject } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import { jobRow, timeOf, type JobRecord } from './records.js';

export const FINAL: readonly JobState[] = ['cancelled', 'completed', 'discarded'];

/** A statement that changes one job, and returns whether it did. */
type Change = (
  transaction: MemoryTransaction,
  job: JobRecord,
  values: readonly unknown[],
) => JobRecord | undefined;

export function changing(change: Change) {
  return (transaction: MemoryTransaction, values: readonly unknown[]): Answer => {
    const job = transaction.job(BigInt(String(values[0])));
    if (job === undefined) return answer('SELECT');
    transaction.lockJob(job.id);
    const changed = change(transaction, job, values);
    const row = { ...jobRow(changed ?? job), changed: changed === undefined ? 'f' : 't' };
    return answer('SELECT', [row]);
  };
}

export function cancel(transaction: MemoryTransaction, job: JobRecord): JobRecord | undefined {
  if (FINAL.includes(job.state)) return undefined;
  const isRunning = job.state === 'running';
  return transaction.updateJob(job, {
    state: isRunning ? 'running' : 'cancelled',
    finalizedAt: isRunning ? null : transaction.startedAt,
    metadata: withMetadata(job, (metadata) => metadata.set(CANCEL_MARK, utc(transaction))),
  });
}

export function retry(transaction: MemoryTransaction, job: JobRecord): JobRecord | undefined {
  const isDue = job.state === 'available' && job.scheduledAt < transaction.startedAt;
  if (job.state === 'running' || isDue) return undefined;
  return transaction.updateJob(job, {
    state: 'available',
    finalizedAt: null,
    scheduledAt: transaction.startedAt,
    maxAttempts: job.maxAttempts + (job.attempt === job.maxAttempts ? 1 : 0),
    metadata: withMetadata(job, (metadata) => void metadata.delete(CANCEL_MARK)),
  });
}

export function remove(transaction: MemoryTransaction, job: JobRecord): JobRecord | undefined {
  if (job.state === 'running') return undefined;
  transaction.deleteJob(job.id);
  return job;
}

export function update(
  transaction: MemoryTransaction,
  job: JobRecord,
  [, metadata]: readonly unknown[],
): JobRecord {
  return transaction.updateJob(job, { metadata: merged(job, metadata) });
}

/** Where it is an object, as it always is unless somebody else has written it. */
export function withMetadata(job: JobRecord, change: (metadata: JsonbObject) => unknown): string {
  const metadata = parseJsonb(job.metadata);
  if (metadata instanceof Map) change(metadata);
  return printJsonb(metadata);
}

function merged(job: JobRecord, given: unknown): string {
  if (typeof given !== 'string') return job.metadata;
  const more = parseJsonb(given) as JsonbObject;
  return withMetadata(job, (metadata) => more.forEach((value, key) => metadata.set(key, value)));
}

export function utc({ startedAt }: MemoryTransaction): string {
  return new Date(startedAt).toISOString().replace('Z', '000Z');
}

export function getJobs(transaction: MemoryTransaction, [ids]: readonly unknown[]): Answer {
  const wanted = new Set((ids as readonly unknown[]).map(String));
  const found = transaction.jobs().filter(({ id }) => wanted.has(String(id)));
  return answer('SELECT', found.map(jobRow));
}

/** Jobs that have ended, or are wanted in any state; a row of nulls for those that are not there. */
export function findFinished(
  transaction: MemoryTransaction,
  [ids, inAnyState]: readonly unknown[],
): Answer {
  const rows = (ids as readonly string[]).flatMap((given, index) => {
    const job = transaction.job(BigInt(given));
    if (job === undefined) return [{ given, id: null }];
    const isWanted = (inAnyState as readonly boolean[])[index] === true;
    return isWanted || FINAL.includes(job.state) ? [{ given, ...jobRow(job) }] : [];
  });
  return answer('SELECT', rows);
}

export function lockWaiting(transaction: MemoryTransaction, [id]: readonly unknown[]): Answer {
  const job = transaction.job(BigInt(String(id)));
  if (job === undefined) return answer('SELECT');
  transaction.forUpdate(job);
  return answer('SELECT', [{ ...jobRow(job), ...databaseTimes(transaction) }]);
}

export function findHolder(
  transaction: MemoryTransaction,
  [id, key, state, states]: readonly unknown[],
): Answer {
  const job = transaction.job(BigInt(String(id)));
  const holder = transaction.holderOf(String(key));
  const isIn = statesOfBits((states as string | null) ?? job?.uniqueStates ?? '').includes(
    state as JobState,
  );
  const rows =
    isIn && holder !== undefined && holder.id !== job?.id ? [{ id: String(holder.id) }] : [];
  return answer('SELECT', rows);
}

export function changeWaiting(transaction: MemoryTransaction, values: readonly unknown[]): Answer {
  const [id, args, queue, priority, scheduledAt, state, key, metadata, , states] = values;
  const job = transaction.job(BigInt(String(id)));
  if (job === undefined) return answer('UPDATE');
  const changed = transaction.updateJob(job, {
    args: typeof args === 'string' ? jsonbText(args) : job.args,
    queue: (queue as string | null) ?? job.queue,
    priority: (priority as number | null) ?? job.priority,
    scheduledAt: typeof scheduledAt === 'string' ? timeOf(scheduledAt) : job.scheduledAt,
    state: (state as JobState | null) ?? job.state,
    uniqueKey: (key as string | null) ?? job.uniqueKey,
    uniqueStates: (states as string | null) ?? job.uniqueStates,
    metadata: merged(job, metadata),
  });
  return answer('UPDATE', [jobRow(changed)]);
}

export function databaseTimes({ startedAt }: MemoryTransaction): Record<string, string> {
  const microseconds = (time: number): string => `${Math.floor(time)}000`;
  return {
    transaction_time: microseconds(startedAt),
    statement_time: microseconds(currentTime()),
  };
}

/** Picks jobs whose place in the unique index is free, one of each key. */
export function withFreePlaces(
  transaction: MemoryTransaction,
  jobs: readonly JobRecord[],
): JobRecord[] {
  const taken = new Set<string>();
  return jobs.filter(({ id, uniqueKey, uniqueStates }) => {
    if (uniqueKey === null || uniqueStates === null) return true;
    const holder = transaction.holderOf(uniqueKey);
    if ((holder !== undefined && holder.id !== id) || taken.has(uniqueKey)) return false;
    taken.add(uniqueKey);
    return true;
  });
}
