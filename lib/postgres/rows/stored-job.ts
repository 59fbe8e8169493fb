import type { InsertParams } from '../../insert/insert-params.js';
import { statesOfBits } from '../../insert/unique/unique-key.js';
import { decodeJson } from '../../job/decode-json.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import type { JobRow } from '../../job/row/job-row.js';
import { InsertOutcomeUnknownError } from '../../errors/database-errors.js';
import { decodeJob } from './job-columns.js';
import type { TextRow } from '../driver/pg-client.js';
import { decodeTime, epochMilliseconds } from './timestamp.js';

/** What the database adds to a job, beside its id. */
export function storedTimes(table: string): string {
  return TIMES.map((column) => `${epochMilliseconds(`${table}.${column}`)} AS ${column}`).join(
    ', ',
  );
}
const TIMES = ['created_at', 'scheduled_at'];

/** The result of a new job: what was sent, and the id and the {@link storedTimes} of its row. */
export function insertedResult(job: InsertParams, id: string, row: TextRow): JobInsertResult {
  const key = job.unique?.path === 'index' ? job.unique : undefined;
  const stored: JobRow = {
    id,
    args: decodeJson(job.encodedArgs),
    encodedArgs: job.encodedArgs,
    attempt: 0,
    attemptedAt: null,
    attemptedBy: [],
    createdAt: decodeTime(row['created_at']) ?? missingRow(),
    errors: [],
    finalizedAt: null,
    kind: job.kind,
    maxAttempts: job.maxAttempts,
    metadata: decodeJson(job.metadata) as Record<string, unknown>,
    priority: job.priority,
    queue: job.queue,
    scheduledAt: decodeTime(row['scheduled_at']) ?? missingRow(),
    state: job.state,
    tags: job.tags,
    uniqueKey: key?.hash.toString('hex') ?? null,
    uniqueStates: key === undefined ? null : statesOfBits(key.stateBits),
  };
  return { job: stored, uniqueSkippedAsDuplicated: false };
}

/** A unique job's result. undefined: a concurrent insert won, and its row was not in the statement's snapshot. */
export function readUnique(row: TextRow, job: InsertParams): JobInsertResult | undefined {
  if (row['inserted'] != null) return insertedResult(job, row['inserted'], row);
  return readExisting(row);
}

/** The job that precedes a unique one, if there is one. */
export function readExisting({ existing }: TextRow): JobInsertResult | undefined {
  if (existing == null) return undefined;
  return { job: decodeJob(JSON.parse(existing) as TextRow), uniqueSkippedAsDuplicated: true };
}

/** The statement has succeeded, so that jobs may be stored. */
export function missingRow(): never {
  throw new InsertOutcomeUnknownError(
    new Error('the statement returned fewer rows than it was given jobs'),
    'The response to the insert was not complete (see cause), so it is not known what is stored',
  );
}
