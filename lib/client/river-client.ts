import type { DataSource } from 'typeorm';
import type { JobId } from '../admin/job-id.js';
import type { InsertOptions } from '../job/insert-options.js';
import type { JobInsertResult } from '../job/row/job-insert-result.js';
import type { JobObject } from '../job/job-object.js';
import type { JobResult, JsonArgsOf } from '../job/row/job-result.js';
import type { JobRow } from '../job/row/job-row.js';
import { SchemaName } from '../postgres/connection/schema-name.js';
import { ActiveWork } from '../transaction/engine/active-work.js';
import type { Transaction } from '../transaction/explicit-transaction.js';
import { ClientConnections } from '../transaction/client-connections.js';
import { resolveOptions } from './options/resolved-options.js';
import type { RiverModuleOptions } from './options/client-options.js';
import type {
  InsertManyFastItems,
  InsertManyFastOptions,
  InsertManyFastResult,
} from './bulk/insert-many-fast-options.js';
import type { InsertManyItem, InsertManyResults } from './inserts/insert-many-params.js';
import { JobResults } from './wait/job-results.js';
import { ClientInserts } from './client-inserts.js';
import { setParts } from './client-parts.js';
import { delegate } from './delegate.js';
import { JobAdministration } from './administration/job-administration.js';
import { JobManyAdministration } from './administration/job-many-administration.js';
import { QueueAdministration } from './administration/queue-administration.js';
import type { UniqueExplanation } from './inserts/unique-explanation.js';
import type { OutputOptions, WaitOptions } from './wait/wait-options.js';

/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging -- the static block defines the methods of the interface */
/** The methods of administration, which {@link RiverClient} delegates to its parts. */
export interface RiverClient
  extends JobAdministration, JobManyAdministration, QueueAdministration {}

/**
 * Inserts jobs for River's workers, and administers jobs and queues. Injectable by its class, or by
 * `@InjectRiverClient(name)`.
 *
 * An insert is one statement, but for lists of more than 5,000 jobs and the lock path of unique ones.
 * Jobs are checked before anything is sent (`InvalidJobError`); a batch with a bad one inserts nothing.
 */
export class RiverClient {
  readonly #inserts: ClientInserts;
  readonly #results: JobResults;
  readonly #jobs: JobAdministration;
  readonly #manyJobs: JobManyAdministration;
  readonly #queues: QueueAdministration;
  readonly #activeWork: ActiveWork;

  static {
    delegate(RiverClient, JobAdministration, (client) => client.#jobs);
    delegate(RiverClient, JobManyAdministration, (client) => client.#manyJobs);
    delegate(RiverClient, QueueAdministration, (client) => client.#queues);
  }

  /** @internal Made by RiverModule; inject it. */
  constructor(dataSource: DataSource, given: RiverModuleOptions, activeWork = new ActiveWork()) {
    const options = resolveOptions(given);
    const { preparedStatements, transactionSource: source } = options;
    const connections = new ClientConnections(
      { dataSource, preparedStatements },
      { activeWork, source },
    );
    const schema = new SchemaName(options.schema);
    this.#activeWork = activeWork;
    this.#inserts = new ClientInserts(connections, schema, { dataSource, options, activeWork });
    this.#results = new JobResults(connections, schema, options.waitFor);
    setParts(this, { inserts: this.#inserts, results: this.#results });
    this.#jobs = new JobAdministration(connections, schema, options.notify !== false);
    this.#manyJobs = new JobManyAdministration(connections, schema);
    this.#queues = new QueueAdministration(connections, schema);
    const { notifications } = this.#inserts;
    activeWork.add({
      close: async (reason) => {
        this.#results.interrupt(reason);
        await notifications.close();
      },
      reopen: () => notifications.reopen(),
    });
  }

  /**
   * Inserts one job: in the transaction that the running code is in (`@RiverTransactional()`,
   * `RiverTransaction.run`), else by itself.
   *
   * @param args an instance of a class decorated with `@JobArgs`, an object with a `kind`, or `jobArgs(...)`
   * @returns the row stored, or the existing one if an equal unique job was there
   * @throws InvalidJobError, RiverTransactionError, DatabaseError
   * @example await river.insert(new SortArgs(['whale', 'tiger']), { priority: 3 });
   */
  insert<Args extends JobObject>(
    args: Args,
    opts?: InsertOptions<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    return this.#inserts.one(undefined, [args, opts]) as Promise<JobInsertResult<Args>>;
  }

  /**
   * Inserts one job in the transaction given.
   *
   * @param tx an EntityManager, a QueryRunner or a pg client, in a transaction
   * @throws NotInTransactionError when `tx` is in none; and as {@link insert}
   */
  insertTx<Args extends JobObject>(
    tx: Transaction,
    args: Args,
    opts?: InsertOptions<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    return this.#inserts.one([tx], [args, opts]) as Promise<JobInsertResult<Args>>;
  }

  /**
   * Inserts several jobs at once, all or none, in the transaction that the running code is in, else
   * by themselves.
   *
   * @param items args, or `InsertManyParams.of(args, opts)` for args with options of their own
   * @returns a result for each, in the order given; `[]` for none. A unique job that is repeated in
   *   the list is stored once, and the others are reported as duplicates of it. The number stored is
   *   the count of results less those skipped.
   * @throws as {@link insert}; an InvalidJobError has the `index` of the job refused
   */
  insertMany<const Items extends readonly InsertManyItem[]>(
    items: Items,
  ): Promise<InsertManyResults<Items>> {
    return this.#inserts.many(undefined, items) as Promise<InsertManyResults<Items>>;
  }

  /** {@link insertMany} in the transaction given, as {@link insertTx}. */
  insertManyTx<const Items extends readonly InsertManyItem[]>(
    tx: Transaction,
    items: Items,
  ): Promise<InsertManyResults<Items>> {
    return this.#inserts.many([tx], items) as Promise<InsertManyResults<Items>>;
  }

  /**
   * Inserts any number of jobs by COPY, all or none, without holding them in memory: in the
   * transaction that the running code is in, else by themselves. Items are read as fast as the
   * database takes them; they must not be read by that same transaction.
   *
   * @param items an array, an iterable or an async iterable (a cursor, the lines of a file) of what
   *   {@link insertMany} takes, but for unique options that need a lock (see `byState`)
   * @returns how many were stored, and how many were left out
   * @throws as {@link insertMany}; UniqueConflictError, InsertItemsError when reading the items fails,
   *   InsertAbortedError. In a transaction, what fails after the first jobs were sent has aborted it.
   * @example await river.insertManyFast(rows(), { onConflict: 'skip' }); // async function* rows() {}
   */
  insertManyFast(
    items: InsertManyFastItems,
    opts?: InsertManyFastOptions,
  ): Promise<InsertManyFastResult> {
    return this.#inserts.fast(undefined, items, opts);
  }

  /** {@link insertManyFast} in the transaction given, as {@link insertTx}. */
  insertManyFastTx(
    tx: Transaction,
    items: InsertManyFastItems,
    opts?: InsertManyFastOptions,
  ): Promise<InsertManyFastResult> {
    return this.#inserts.fast([tx], items, opts);
  }

  /**
   * Explains why a unique job is, or would be, skipped: the text of its key, the states, and the
   * stored job that it conflicts with. Takes what {@link insert} takes, and inserts nothing.
   *
   * @example console.log((await river.explainUnique(new SortArgs([]))).reason);
   */
  explainUnique<Args extends JobObject>(
    args: Args,
    opts?: InsertOptions<NoInfer<Args>>,
  ): Promise<UniqueExplanation<Args>> {
    return this.#inserts.explain([args, opts]) as Promise<UniqueExplanation<Args>>;
  }

  /**
   * Waits for the end of a job, by looking for it: River's workers notify nobody.
   *
   * @returns the completed row, and what the worker recorded by `river.RecordOutput`
   * @throws JobCancelledError, JobDiscardedError when it ends otherwise, with the attempt errors
   * @throws WaitTimeoutError, WaitAbortedError (the job goes on); JobNotFoundError
   * @throws RiverTransactionError in a transaction; ShuttingDownError; InvalidParamsError; DatabaseError
   * @example const { output } = await river.waitFor(job, { parseOutput: Report.parse });
   */
  waitFor<Job extends JobRow | JobId, Output>(
    job: Job,
    options: OutputOptions<Output>,
  ): Promise<JobResult<Output, JsonArgsOf<Job>>>;
  waitFor<Job extends JobRow | JobId>(
    job: Job,
    options?: WaitOptions,
  ): Promise<JobResult<unknown, JsonArgsOf<Job>>>;
  waitFor(job: JobRow | JobId, options?: WaitOptions): Promise<JobResult> {
    return this.#results.waitFor(job, options);
  }

  /**
   * {@link insert}, outside a transaction, and {@link waitFor}. If an equal unique job already exists,
   * it waits for that one.
   *
   * `timeoutMs` and `signal` of the wait count from the end of the insert on, whose own `signal` is in
   * `opts`; but nothing is inserted when that of the wait is aborted already (WaitAbortedError).
   *
   * @example const { output } = await river.insertAndWait(new SortArgs([]), {}, { parseOutput });
   */
  insertAndWait<Args extends JobObject, Output>(
    args: Args,
    opts: InsertOptions<NoInfer<Args>> | undefined,
    waitOptions: OutputOptions<Output>,
  ): Promise<JobResult<Output, Args> & JobInsertResult<Args>>;
  insertAndWait<Args extends JobObject>(
    args: Args,
    opts?: InsertOptions<NoInfer<Args>>,
    waitOptions?: WaitOptions,
  ): Promise<JobResult<unknown, Args> & JobInsertResult<Args>>;
  insertAndWait(
    args: JobObject,
    opts?: InsertOptions,
    waitOptions?: WaitOptions,
  ): Promise<JobResult & JobInsertResult> {
    return this.#results.insertAndWait(() => this.insert(args, opts), waitOptions);
  }

  /**
   * @internal Called by Nest: waits are aborted, and delayed notifications are sent now.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.#results.close();
    await this.#activeWork.unlessStopped(this.#inserts.notifications.close());
  }
}
