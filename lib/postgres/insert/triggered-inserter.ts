import { DatabaseError, InsertOutcomeUnknownError } from '../../errors/database-errors.js';
import { JobDroppedError } from '../../errors/insert-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import type { Connection } from '../connection/connection.js';
import type { InsertRun } from './insert-run.js';
import type { InsertTriggers } from './insert-triggers.js';
import { keyOf, statementsOf, withRepeats, type Batch } from './job-batches.js';
import { decodeJob, JOB_COLUMNS } from '../rows/job-columns.js';
import { hiddenOrDropped, lostTooManyRaces, MAX_LOOKS } from './lost-races.js';
import type { TextRow } from '../driver/pg-client.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';
import { missingRow, readExisting } from '../rows/stored-job.js';

/**
 * A job with a key that comes back as neither stored nor existing was dropped, or has lost a race whose
 * winner is seen by another look. More than this many only make the trigger drop it again.
 */
const MAX_LOOKS_WITH_TRIGGERS = 3;

const UNREAD =
  'The job is stored, but a BEFORE INSERT trigger may have changed its row, which could not be read back (see cause)';

/** Fails, and so aborts a transaction that must not be committed with a part of a list. */
const ABORT = statement('insert', 'SELECT 1 OPERATOR(pg_catalog./) 0 AS dropped');

/** Why a list is not stored: a job of it, if it is known which, was dropped. */
export class Dropped extends Error {
  readonly job: InsertParams | undefined;

  constructor(job: InsertParams | undefined) {
    super('a trigger dropped a job');
    this.job = job;
  }

  /** @param jobs those of the call */
  toError(jobs: readonly InsertParams[]): JobDroppedError {
    const isOfMany = jobs.length > 1;
    const index = isOfMany && this.job !== undefined ? jobs.indexOf(this.job) : undefined;
    return new JobDroppedError({ index, isOfMany });
  }
}

/** Stores jobs in a table whose triggers may drop or change rows: what it returns is read from the rows. */
export class TriggeredInserter {
  readonly #schema: SchemaName;
  readonly #inserts: InsertRun;
  readonly #triggers: InsertTriggers;
  readonly #read: Statement;

  constructor(schema: SchemaName, inserts: InsertRun, triggers: InsertTriggers) {
    const { prefix } = schema;
    this.#schema = schema;
    this.#inserts = inserts;
    this.#triggers = triggers;
    this.#read = statement(
      'insert',
      `SELECT ${JOB_COLUMNS} FROM ${prefix}river_job AS job WHERE job.id OPERATOR(pg_catalog.=) ANY ($1::bigint[])`,
    );
  }

  /**
   * All or none: several jobs in a transaction, which is aborted when one of them is dropped.
   *
   * @throws Dropped
   */
  async insert(connection: Connection, { jobs, queues }: Batch): Promise<JobInsertResult[]> {
    // Callers who share a statement are not undone together; each goes on alone.
    if (connection.isShared) throw new Dropped(undefined);
    if (jobs.length <= 1) return await this.#insertPart(connection, { jobs, queues });
    const hasKeys = jobs.some((job) => keyOf(job) !== undefined);
    return await connection.transaction(async (inner) => {
      const results: JobInsertResult[] = [];
      for (const part of hasKeys ? [jobs] : statementsOf(jobs)) {
        try {
          results.push(...(await this.#insertPart(inner, { jobs: part, queues })));
        } catch (error) {
          if (error instanceof Dropped) await this.abort(connection);
          throw error;
        }
      }
      return results;
    });
  }

  /** Aborts the transaction that the connection is in, if it is in one that goes on. */
  async abort(connection: Connection): Promise<void> {
    if (connection.inTransaction) await connection.run(ABORT, []).catch(() => undefined);
  }

  /** The rows of jobs whose statement discovered that there are triggers, as they made them. */
  async asStored(
    connection: Connection,
    results: readonly JobInsertResult[],
  ): Promise<JobInsertResult[]> {
    let rows: TextRow[];
    try {
      rows = await connection.run(this.#read, [results.map(({ job }) => job.id)]);
    } catch (error) {
      if (connection.inTransaction || !(error instanceof DatabaseError)) throw error;
      throw new InsertOutcomeUnknownError(error.cause, UNREAD);
    }
    const jobs = new Map(rows.map((row) => [row['id'], decodeJob(row)]));
    // One that is not there any more was worked and deleted meanwhile.
    return results.map(({ job, ...rest }) => ({ job: jobs.get(job.id) ?? job, ...rest }));
  }

  async #insertPart(connection: Connection, { jobs, queues }: Batch): Promise<JobInsertResult[]> {
    return await withRepeats(jobs, async (firsts, results) => {
      let open = firsts;
      for (let look = 0; open.length > 0; look++) {
        const { exist } = this.#triggers;
        const isLast = look === (exist ? MAX_LOOKS_WITH_TRIGGERS : MAX_LOOKS);
        const lost = open.find((job) => isLast || (look > 0 && keyOf(job) === undefined));
        if (lost !== undefined) {
          if (keyOf(lost) === undefined) throw new Dropped(lost);
          // The last trigger may have been removed since, and then another reason keeps the job out.
          const error = exist
            ? await hiddenOrDropped(connection, this.#schema)
            : await lostTooManyRaces(connection, this.#schema);
          if (error === undefined) throw new Dropped(lost);
          if (jobs.length > 1) await this.abort(connection);
          throw error;
        }
        const form = open.length === 1 ? 'storedOne' : 'stored';
        const rows = await this.#inserts.run(form, connection, { jobs: open, queues });
        if (form === 'stored') checkIds(rows);
        open = open.filter((job, place) => {
          const row = rows[place] ?? missingRow();
          const result = row['id'] == null ? readExisting(row) : stored(row);
          if (result !== undefined) results.set(job, result);
          return result === undefined;
        });
      }
    });
  }
}

function stored(row: TextRow): JobInsertResult {
  return { job: decodeJob(row), uniqueSkippedAsDuplicated: false };
}

/** Rows are recognised by ids that are drawn before: a row with another belongs to nobody. */
function checkIds(rows: readonly TextRow[]): void {
  const recognised = rows.filter((row) => row['id'] != null).length;
  if (recognised < Number(rows[0]?.['stored'] ?? 0)) throw new Dropped(undefined);
}
