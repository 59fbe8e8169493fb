import {
  CANCEL_MARK,
  LONGEST_DELAY_S,
  RESCUE_COUNT,
} from '../../postgres/administration/job-change-statements.js';
import { utc, withMetadata } from './job-statements.js';
import { JsonbNumber, jsonbText, parseJsonb, type JsonbObject } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import type { JobRecord } from './records.js';

/** `rescue` of `jobChangeStatements`: what River's own rescuer does to a job whose worker has died. */
export function rescue(
  transaction: MemoryTransaction,
  job: JobRecord,
  [, rescueAfterMs]: readonly unknown[],
): JobRecord | undefined {
  const { startedAt } = transaction;
  const isStuck = (job.attemptedAt ?? startedAt) < startedAt - Number(rescueAfterMs);
  if (job.state !== 'running' || !isStuck) return undefined;
  return transaction.updateJob(job, {
    ...next(job, startedAt),
    errors: [...job.errors, attemptError(transaction, job)],
    metadata: withMetadata(job, (metadata) => metadata.set(RESCUE_COUNT, count(metadata))),
  });
}

function next(job: JobRecord, now: number): Partial<JobRecord> {
  if (isCancelled(job)) return { state: 'cancelled', finalizedAt: now };
  if (job.attempt >= job.maxAttempts) return { state: 'discarded', finalizedAt: now };
  const seconds = (job.errors.length + 1) ** 4 * (0.9 + 0.2 * Math.random());
  const scheduledAt = now + Math.floor(Math.min(seconds, LONGEST_DELAY_S) * 1_000);
  return { state: 'retryable', finalizedAt: null, scheduledAt };
}

function isCancelled(job: JobRecord): boolean {
  const metadata = parseJsonb(job.metadata);
  return metadata instanceof Map && (metadata.get(CANCEL_MARK) ?? null) !== null;
}

function attemptError(transaction: MemoryTransaction, { attempt }: JobRecord): string {
  const error = 'Stuck job rescued by JobRescuer';
  return jsonbText(JSON.stringify({ at: utc(transaction), attempt, error, trace: '' }));
}

function count(metadata: JsonbObject): JsonbNumber {
  const before = metadata.get(RESCUE_COUNT);
  return new JsonbNumber(String(before instanceof JsonbNumber ? Number(before.text) + 1 : 1));
}
