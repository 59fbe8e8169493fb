import type { InsertParams } from '../insert/insert-params.js';
import { statesOfBits } from '../insert/unique-key.js';
import { decodeJson } from '../job/decode-json.js';
import type { JobInsertResult } from '../job/job-insert-result.js';
import { JobRow } from '../job/job-row.js';

/**
 * The result of a job that is being stored, made of what was sent, while the server works. Its id
 * comes with the answer: {@link withId}.
 */
export function expectedResult(job: InsertParams): JobInsertResult {
  const key = job.unique?.path === 'index' ? job.unique : undefined;
  const row = new JobRow({
    id: 0n,
    args: decodeJson(job.encodedArgs),
    encodedArgs: job.encodedArgs,
    attempt: 0,
    attemptedAt: null,
    attemptedBy: [],
    createdAt: job.createdAt,
    errors: [],
    finalizedAt: null,
    kind: job.kind,
    maxAttempts: job.maxAttempts,
    metadata: decodeJson(job.metadata) as Record<string, unknown>,
    priority: job.priority,
    queue: job.queue,
    scheduledAt: job.scheduledAt,
    state: job.state,
    tags: job.tags,
    uniqueKey: key?.hash ?? null,
    uniqueStates: key === undefined ? null : statesOfBits(key.stateBits),
  });
  return { job: row, uniqueSkippedAsDuplicated: false };
}

/** Completes an {@link expectedResult}. */
export function withId(expected: JobInsertResult, id: string): JobInsertResult {
  Object.assign(expected.job, { id: BigInt(id) });
  return expected;
}
