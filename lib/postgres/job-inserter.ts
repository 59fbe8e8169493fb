import { DatabaseError } from '../errors/database-error.js';
import type { InsertParams } from '../insert/insert-params.js';
import { statesOfBits } from '../insert/unique-key.js';
import { decodeJson } from '../job/decode-json.js';
import type { JobInsertResult } from '../job/job-insert-result.js';
import { JobRow } from '../job/job-row.js';
import type { Connection } from './connection.js';
import { insertStatements, type InsertStatements } from './insert-statement.js';
import { insertValues } from './insert-values.js';
import { decodeJob } from './job-columns.js';
import type { SchemaName } from './schema-name.js';

/**
 * A lost race is over when the winner's transaction is, so one more look nearly always tells. More
 * are needed only while equal jobs come and go faster than we look.
 */
const MAX_LOOKS = 20;

/** Stores jobs; one job is a batch of one. */
export class JobInserter {
  readonly #statements: InsertStatements;

  constructor(schema: SchemaName) {
    this.#statements = insertStatements(schema);
  }

  /**
   * @returns a result per job, in the order given. A unique key that is repeated in the list is
   *   stored once; the others are duplicates of the first.
   */
  async insert(connection: Connection, jobs: readonly InsertParams[]): Promise<JobInsertResult[]> {
    if (jobs.length === 0) return [];
    return jobs.some((job) => job.unique !== undefined)
      ? await this.#insertUnique(connection, jobs)
      : await this.#insertPlain(connection, jobs);
  }

  async #insertPlain(
    connection: Connection,
    jobs: readonly InsertParams[],
  ): Promise<JobInsertResult[]> {
    const rows = await connection.run(
      this.#statements.plain,
      insertValues(jobs, queuesToWake(jobs)),
    );
    return jobs.map((job, index) => stored(job, rows[index]?.['id'] ?? missingRow()));
  }

  async #insertUnique(
    connection: Connection,
    jobs: readonly InsertParams[],
  ): Promise<JobInsertResult[]> {
    const firstOf = new Map<string, number>();
    const results = new Map<number, JobInsertResult>();
    let open: number[] = [];
    jobs.forEach((job, index) => {
      const key = job.unique?.hash.toString('latin1');
      if (key !== undefined && firstOf.has(key)) return;
      if (key !== undefined) firstOf.set(key, index);
      open.push(index);
    });
    for (let look = 0; open.length > 0; look++) {
      if (look === MAX_LOOKS) throw new DatabaseError('insert', lostTooManyRaces());
      const batch = open.flatMap((index) => jobs[index] ?? []);
      const rows = await connection.run(
        this.#statements.unique,
        insertValues(batch, queuesToWake(batch)),
      );
      open = open.filter((index, place) => {
        const result = readUnique(jobs[index], rows[place]);
        if (result !== undefined) results.set(index, result);
        return result === undefined;
      });
    }
    return jobs.map((job, index) => {
      const own = results.get(index);
      if (own !== undefined) return own;
      const first = results.get(firstOf.get(job.unique?.hash.toString('latin1') ?? '') ?? -1);
      return { job: (first ?? missingRow()).job, uniqueSkippedAsDuplicated: true };
    });
  }
}

/** The queues of jobs that can be worked at once, each once, in order of first appearance. */
function queuesToWake(jobs: readonly InsertParams[]): string[] {
  return [...new Set(jobs.filter((job) => job.state === 'available').map((job) => job.queue))];
}

/** undefined: a concurrent insert won, and its row was not in the statement's snapshot. */
function readUnique(
  job: InsertParams | undefined,
  row: Readonly<Record<string, string | null>> | undefined,
): JobInsertResult | undefined {
  if (job === undefined || row === undefined) return missingRow();
  if (row['inserted'] != null) return stored(job, row['inserted']);
  return row['id'] == null ? undefined : { job: decodeJob(row), uniqueSkippedAsDuplicated: true };
}

/** The row of a job just stored, made of what was sent and the id that came back. */
function stored(job: InsertParams, id: string): JobInsertResult {
  const row = new JobRow({
    id: BigInt(id),
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
    uniqueKey: job.unique?.hash ?? null,
    uniqueStates: job.unique === undefined ? null : statesOfBits(job.unique.stateBits),
  });
  return { job: row, uniqueSkippedAsDuplicated: false };
}

function missingRow(): never {
  throw new Error('nestjs-river: the insert answered fewer rows than it was given jobs');
}

function lostTooManyRaces(): Error {
  return new Error(`an equal unique job appeared and disappeared ${MAX_LOOKS} times in a row`);
}
