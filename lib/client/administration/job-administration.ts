import { checkJobId, type JobId, kindOfClass } from '../../admin/job-id.js';
import { encodeCursor } from '../../admin/job-list-cursor.js';
import {
  checkJobListParams,
  type JobListParams,
  type JobListResult,
} from '../../admin/job-list-params.js';
import { checkJobRescueParams, type JobRescueParams } from '../../admin/job-rescue-params.js';
import { checkJobUpdateParams, type JobUpdateParams } from '../../admin/job-update-params.js';
import {
  JobKindError,
  JobNotFoundError,
  JobNotStuckError,
  JobRunningError,
} from '../../errors/administration-errors.js';
import type { ArgsClass } from '../../job/job-args-metadata.js';
import type { JobRow } from '../../job/row/job-row.js';
import {
  jobChangeStatements,
  type JobChangeStatements,
} from '../../postgres/administration/job-change-statements.js';
import { decodeJob } from '../../postgres/rows/job-columns.js';
import { jobGetStatement } from '../../postgres/administration/job-get-statement.js';
import { jobListStatement } from '../../postgres/administration/job-list-statement.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { Statement } from '../../postgres/connection/statement.js';
import type { Transaction } from '../../transaction/explicit-transaction.js';
import { waitingJobStatements } from '../../postgres/administration/waiting-job-statements.js';
import type { ClientConnections } from '../../transaction/client-connections.js';
import { metadataNotObject, WaitingJobUpdate } from './waiting-job-update.js';

/** A call about one job. */
interface OneJob {
  readonly what: string;
  readonly statement: Statement;
  readonly named?: readonly [tx: unknown];
  readonly id: JobId;
  /** The values of the statement, made of the id; the id alone if not given. */
  readonly values?: (id: string) => unknown[];
}

/**
 * Reads and changes jobs, with the names, the rows and the meaning of River's Go client. Each method
 * runs in the transaction that the running code is in, else by itself; its twin ending in `Tx` in the
 * transaction given. What a transaction changes, and whom it tells of it, counts from its COMMIT on.
 * Each is one statement, but for a `jobUpdate` of what only a waiting job has, and takes its times from
 * the database's clock.
 */
export class JobAdministration {
  readonly #connections: ClientConnections;
  readonly #schema: SchemaName;
  readonly #get: Statement;
  readonly #change: JobChangeStatements;
  readonly #waiting: WaitingJobUpdate;

  /** @internal RiverModule makes the client; inject it. */
  constructor(connections: ClientConnections, schema: SchemaName, notifies: boolean) {
    this.#connections = connections;
    this.#schema = schema;
    this.#get = jobGetStatement(schema);
    this.#change = jobChangeStatements(schema);
    this.#waiting = new WaitingJobUpdate(waitingJobStatements(schema), { notifies });
  }

  /**
   * Reads a job.
   *
   * @param id the decimal digits that a row has, a bigint, or a safe integer
   * @param argsClass the class of its args, decorated with `@JobArgs`: the job must be of its kind
   * @throws JobNotFoundError; JobKindError; InvalidParamsError when `id` can be none; DatabaseError
   * @example const { state, args } = await river.jobGet(id, SortArgs);
   */
  jobGet(id: JobId): Promise<JobRow>;
  jobGet<Args extends object>(id: JobId, argsClass: ArgsClass<Args>): Promise<JobRow<Args>>;
  jobGet(id: JobId, argsClass?: ArgsClass): Promise<JobRow> {
    return this.#getJob({ what: 'jobGet', id }, argsClass);
  }

  /** {@link jobGet} in the transaction given. */
  jobGetTx(tx: Transaction, id: JobId): Promise<JobRow>;
  jobGetTx<Args extends object>(
    tx: Transaction,
    id: JobId,
    argsClass: ArgsClass<Args>,
  ): Promise<JobRow<Args>>;
  jobGetTx(tx: Transaction, id: JobId, argsClass?: ArgsClass): Promise<JobRow> {
    return this.#getJob({ what: 'jobGetTx', named: [tx], id }, argsClass);
  }

  /**
   * Lists jobs, a page at a time. The cursor of a page is the place of its last job in the order, so
   * jobs that come or go meanwhile make no other job appear twice or not at all.
   *
   * @returns the jobs, and the cursor to give as `after` for the next page, with the same filters and
   *   the same order. There are no more once a page has fewer than `first`.
   * @throws InvalidParamsError for a filter, order or page size that makes no sense, and for a cursor
   *   of another query (`RIVER_INVALID_CURSOR`); DatabaseError
   * @example
   * const page = await river.jobList({ states: ['discarded'], orderBy: 'finalizedAt', sortOrder: 'desc' });
   */
  jobList(params: JobListParams = {}): Promise<JobListResult> {
    return this.#list('jobList', undefined, params);
  }

  /** {@link jobList} in the transaction given. */
  jobListTx(tx: Transaction, params: JobListParams = {}): Promise<JobListResult> {
    return this.#list('jobListTx', [tx], params);
  }

  /**
   * Sets the output of a job, and keys of its metadata, in any state; and changes the args, the queue,
   * the priority and the time of a job that waits (`available`, `scheduled`, `retryable`, `pending`).
   * Such a change locks the job in a transaction, recomputes its unique key, and notifies the workers of
   * its queue where it has become available there.
   *
   * @returns the job, changed
   * @throws JobNotWaitingError; JobUniqueConflictError; JobNotFoundError; InvalidParamsError, with the
   *   code `RIVER_UNIQUE_KEY_UNKNOWN` when the new unique key cannot be known; DatabaseError
   * @example await river.jobUpdate(id, { output: { url: 'https://example.com/report.pdf' } });
   * @example await river.jobUpdate(id, { args: new SortArgs(['bear']), delay: 60_000 });
   */
  jobUpdate(id: JobId, params: JobUpdateParams): Promise<JobRow> {
    return this.#update({ what: 'jobUpdate', id }, params);
  }

  /** {@link jobUpdate} in the transaction given. */
  jobUpdateTx(tx: Transaction, id: JobId, params: JobUpdateParams): Promise<JobRow> {
    return this.#update({ what: 'jobUpdateTx', id, named: [tx] }, params);
  }

  /**
   * Cancels a job. One that waits is `cancelled` at once and not worked any more. A running one stays
   * `running` until its worker, whose context is cancelled by this, has returned: with an error it is
   * then `cancelled` and not tried again, without one `completed`. One that has ended stays as it is.
   *
   * @returns the job as it is now
   * @throws JobNotFoundError; InvalidParamsError; DatabaseError
   */
  jobCancel(id: JobId): Promise<JobRow> {
    return this.#read({ what: 'jobCancel', statement: this.#change.cancel, id });
  }

  /** {@link jobCancel} in the transaction given: a running job is told at its COMMIT. */
  jobCancelTx(tx: Transaction, id: JobId): Promise<JobRow> {
    const call = { what: 'jobCancelTx', statement: this.#change.cancel, id };
    return this.#read({ ...call, named: [tx] });
  }

  /**
   * Makes a job available now, whatever became of it: one that has ended is worked again, with one
   * more attempt if it had none left, and one that is scheduled does not wait any longer. A running one
   * stays as it is, and so does one that is available already. Workers find it when they next poll.
   *
   * @returns the job as it is now
   * @throws JobNotFoundError; InvalidParamsError; DatabaseError with `sqlState` 23505 when an equal
   *   unique job has taken its place
   */
  jobRetry(id: JobId): Promise<JobRow> {
    return this.#read({ what: 'jobRetry', statement: this.#change.retry, id });
  }

  /** {@link jobRetry} in the transaction given. */
  jobRetryTx(tx: Transaction, id: JobId): Promise<JobRow> {
    const call = { what: 'jobRetryTx', statement: this.#change.retry, id };
    return this.#read({ ...call, named: [tx] });
  }

  /**
   * Releases a running job whose worker has died, as River's own rescuer does: it becomes `retryable`
   * by River's default policy, with an attempt error that says so; `discarded` when no attempt is left;
   * `cancelled` when it was cancelled while it ran. One that is not running stays as it is.
   *
   * Make sure that the worker is dead: one that continues works the job at the same time as its next attempt.
   *
   * @returns the job as it is now
   * @throws JobNotStuckError when its attempt began less than `rescueAfterMs` ago; JobNotFoundError;
   *   InvalidParamsError; DatabaseError
   * @example await river.jobRescue(id, { rescueAfterMs: 15 * 60_000 });
   */
  jobRescue(id: JobId, params: JobRescueParams = {}): Promise<JobRow> {
    return this.#rescue({ what: 'jobRescue', id }, params);
  }

  /** {@link jobRescue} in the transaction given. The time that has passed is that at its beginning. */
  jobRescueTx(tx: Transaction, id: JobId, params: JobRescueParams = {}): Promise<JobRow> {
    return this.#rescue({ what: 'jobRescueTx', id, named: [tx] }, params);
  }

  /**
   * Deletes a job that is not running.
   *
   * @returns the job as it was
   * @throws JobRunningError; JobNotFoundError; InvalidParamsError; DatabaseError
   */
  jobDelete(id: JobId): Promise<JobRow> {
    return this.#delete({ what: 'jobDelete', id });
  }

  /** {@link jobDelete} in the transaction given. */
  jobDeleteTx(tx: Transaction, id: JobId): Promise<JobRow> {
    return this.#delete({ what: 'jobDeleteTx', id, named: [tx] });
  }

  async #getJob(call: Omit<OneJob, 'statement'>, argsClass: unknown): Promise<JobRow> {
    let wanted: string | undefined;
    const values = (id: string): unknown[] => {
      wanted = argsClass === undefined ? undefined : kindOfClass(argsClass);
      return [[id]];
    };
    const job = await this.#read({ ...call, statement: this.#get, values });
    if (wanted === undefined || wanted === job.kind) return job;
    throw new JobKindError(job.id, { kind: job.kind, wanted });
  }

  async #read(call: OneJob): Promise<JobRow> {
    return decodeJob(await this.#row(call));
  }

  /** The row that a statement about one job answers. */
  #row({ what, named, id, statement, values = (one) => [one] }: OneJob): Promise<TextRow> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => {
        const checked = checkJobId(id);
        return { checked, values: values(checked.toString()) };
      },
      run: async ({ checked, values: bound }, { connection }) => {
        return theOne(checked, await connection.run(statement, bound));
      },
    });
  }

  async #update({ what, named, id }: Omit<OneJob, 'statement'>, params: unknown): Promise<JobRow> {
    const row = await this.#connections.begin({
      what,
      named,
      prepare: () => ({ checked: checkJobId(id), update: checkJobUpdateParams(params) }),
      run: async ({ checked, update }, { connection }) => {
        const { metadata, waiting } = update;
        if (waiting !== undefined) {
          return await this.#waiting.run(connection, checked, { metadata, waiting });
        }
        const changed = await connection.run(this.#change.update, [checked, metadata]);
        const one = theOne(checked, changed);
        if (one['changed'] !== 't') throw metadataNotObject(checked);
        return one;
      },
    });
    return decodeJob(row);
  }

  async #rescue(call: Omit<OneJob, 'statement'>, params: unknown): Promise<JobRow> {
    let rescueAfterMs = 0;
    const values = (id: string): unknown[] => {
      rescueAfterMs = checkJobRescueParams(params);
      return [id, rescueAfterMs];
    };
    const row = await this.#row({ ...call, statement: this.#change.rescue, values });
    if (row['changed'] !== 't' && row['state'] === 'running') {
      throw new JobNotStuckError(row['id'] ?? '', rescueAfterMs);
    }
    return decodeJob(row);
  }

  async #delete(call: Omit<OneJob, 'statement'>): Promise<JobRow> {
    const row = await this.#row({ ...call, statement: this.#change.delete });
    if (row['changed'] !== 't') throw new JobRunningError(row['id'] ?? '');
    return decodeJob(row);
  }

  #list(what: string, named: OneJob['named'], params: unknown): Promise<JobListResult> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => checkJobListParams(params),
      run: async (list, { connection }) => {
        const { statement, values } = jobListStatement(this.#schema, list);
        const rows = await connection.run(statement, values);
        const last = rows.at(-1);
        const position = last && { id: last['id'] ?? '', time: last['position'] ?? null };
        return {
          jobs: rows.map(decodeJob),
          lastCursor: position && encodeCursor(list.query, position),
        };
      },
    });
  }
}

function theOne(id: string, [row]: readonly TextRow[]): TextRow {
  if (row === undefined) throw new JobNotFoundError(id);
  return row;
}
