import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { JobId } from '../admin/job-id.js';
import { RiverConfigurationError } from '../errors/configuration-error.js';
import { InsertAbortedError } from '../errors/insert-aborted-error.js';
import { InvalidJobError } from '../errors/invalid-job-error.js';
import { describeValue } from '../errors/describe-value.js';
import { RiverTransactionError } from '../errors/transaction-error.js';
import { checkInsertOpts } from '../insert/check-insert-opts.js';
import {
  makeInsertParams,
  type InsertContext,
  type InsertParams,
} from '../insert/insert-params.js';
import type { InsertOpts } from '../job/insert-opts.js';
import type { JobInsertResult } from '../job/job-insert-result.js';
import type { JobResult } from '../job/job-result.js';
import type { JobRow } from '../job/job-row.js';
import { InsertLanes } from '../postgres/insert-lanes.js';
import { JobInserter } from '../postgres/job-inserter.js';
import { SchemaName } from '../postgres/schema-name.js';
import { UniqueLocks } from '../postgres/unique-locks.js';
import { UniqueLookUp } from '../postgres/unique-look-up.js';
import { ActiveWork } from '../transaction/active-work.js';
import type { Transaction } from '../transaction/explicit-transaction.js';
import { ClientConnections, type Place } from './client-connections.js';
import type { RiverModuleOptions } from './client-options.js';
import { InsertNotifications } from './insert-notifications.js';
import {
  InsertManyParams,
  type InsertManyItem,
  type InsertManyResults,
} from './insert-many-params.js';
import { JobResults } from './job-results.js';
import { KindRegistry } from './kind-registry.js';
import { QueueAdministration } from './queue-administration.js';
import { explain, type UniqueExplanation } from './unique-explanation.js';
import type { WaitOptions } from './wait-options.js';

/**
 * Inserts jobs for River's workers. Injectable by its class, or by `@InjectRiverClient(name)`.
 *
 * Every insert is one statement. Whatever is refused is refused before anything is sent, as an
 * {@link InvalidJobError}; a batch with one bad job inserts nothing.
 */
export class RiverClient extends QueueAdministration {
  readonly #logger = new Logger(RiverClient.name);
  readonly #kinds = new KindRegistry();
  readonly #connections: ClientConnections;
  readonly #inserter: JobInserter;
  readonly #lanes: InsertLanes | undefined;
  readonly #lookUp: UniqueLookUp;
  readonly #notifications: InsertNotifications;
  readonly #results: JobResults;
  readonly #clock: () => Date;
  readonly #moduleOpts: InsertContext['moduleOpts'];

  /** @internal Made by RiverModule; inject it. */
  constructor(dataSource: DataSource, options: RiverModuleOptions, activeWork = new ActiveWork()) {
    const { preparedStatements = true, transactionSource: source } = options;
    const connections = new ClientConnections(
      { dataSource, preparedStatements },
      { activeWork, source },
    );
    const schema = new SchemaName(options.schema);
    super(connections, schema);
    this.#connections = connections;
    this.#lookUp = new UniqueLookUp(schema);
    this.#inserter = new JobInserter(
      schema,
      new UniqueLocks(this.#lookUp, options.advisoryLockPrefix),
    );
    this.#notifications = new InsertNotifications(options.notify, schema, {
      pool: this.#connections.pool,
      activeWork,
    });
    this.#results = new JobResults(this.#connections, schema, options.waitFor);
    this.#clock = options.clock ?? (() => new Date());
    const { maxAttempts, outsideTransaction, coalesce = {} } = options;
    if (coalesce !== false) {
      this.#lanes = new InsertLanes(
        (jobs) =>
          this.#inserter.insert(this.#connections.pool, jobs, this.#notifications.wake(undefined)),
        coalesce,
      );
    }
    this.#moduleOpts = checkInsertOpts({ maxAttempts, outsideTransaction });
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
  insert<Args extends object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    const prepare = (): InsertParams[] => [makeInsertParams(args, opts, this.#context())];
    return this.#begin(undefined, prepare, ([result]) => result as JobInsertResult<Args>);
  }

  /**
   * Inserts one job in the transaction given.
   *
   * @param tx an EntityManager, a QueryRunner or a pg client, in a transaction
   * @throws NotInTransactionError when `tx` is in none; and as {@link insert}
   */
  insertTx<Args extends object>(
    tx: Transaction,
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    const prepare = (): InsertParams[] => [makeInsertParams(args, opts, this.#context())];
    return this.#begin([tx], prepare, ([result]) => result as JobInsertResult<Args>);
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
    const read = (results: JobInsertResult[]) => results as InsertManyResults<Items>;
    return this.#begin(undefined, () => this.#prepare(items), read);
  }

  /** {@link insertMany} in the transaction given, as {@link insertTx}. */
  insertManyTx<const Items extends readonly InsertManyItem[]>(
    tx: Transaction,
    items: Items,
  ): Promise<InsertManyResults<Items>> {
    const read = (results: JobInsertResult[]) => results as InsertManyResults<Items>;
    return this.#begin([tx], () => this.#prepare(items), read);
  }

  /**
   * Explains why a unique job is, or would be, skipped: the text of its key, the states, and the
   * stored job that stands in the way. Takes what {@link insert} takes, and inserts nothing. Asks in
   * the transaction that the running code is in, if there is one.
   *
   * @example console.log((await river.explainUnique(new SortArgs([]))).reason);
   */
  explainUnique<Args extends object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<UniqueExplanation<Args>> {
    return this.#connections.begin({
      what: 'explainUnique',
      prepare: () => makeInsertParams(args, opts, this.#context()),
      run: (job, { connection }) => explain<Args>(job, this.#lookUp, connection),
    });
  }

  /**
   * Waits for the end of a job, by looking for it: River's workers notify nobody.
   *
   * @typeParam Output of what the worker records by `river.RecordOutput`; it is not checked
   * @returns the completed row, and the output
   * @throws JobCancelledError, JobDiscardedError when it ends otherwise, with the attempt errors
   * @throws WaitTimeoutError, WaitAbortedError when the wait is given up; the job goes on
   * @throws JobNotFoundError when the job is not there, or is deleted meanwhile
   * @throws RiverTransactionError in a transaction
   * @throws ShuttingDownError when the application ends; and InvalidParamsError, DatabaseError
   * @example const { output } = await river.waitFor<{ url: string }>(job, { timeoutMs: 5_000 });
   */
  waitFor<Output = unknown, Args = unknown>(
    job: JobRow<Args> | JobId,
    options?: WaitOptions,
  ): Promise<JobResult<Output, Args>> {
    return this.#results.waitFor(job, options);
  }

  /**
   * {@link insert}, by itself, and {@link waitFor}. For an equal unique job that was there already,
   * its end is waited for.
   *
   * @example const { output } = await river.insertAndWait<string[]>(new SortArgs(['whale', 'tiger']));
   */
  insertAndWait<Output = unknown, Args extends object = object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
    waitOptions?: WaitOptions,
  ): Promise<JobResult<Output, Args> & JobInsertResult<Args>> {
    return this.#results.insertAndWait(() => this.insert(args, opts), waitOptions);
  }

  /**
   * @internal Called by Nest: waits are given up, and workers that were to be told at the end of a
   * cooldown are told now.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#results.close();
    await this.#notifications.close();
  }

  /** Checks and encodes all jobs, with one reading of the clock, before anything is sent. */
  #prepare(items: readonly unknown[]): InsertParams[] {
    if (!Array.isArray(items)) throw notAList(items);
    const context = this.#context();
    return Array.from(items as unknown[], (item, index) => {
      try {
        return item instanceof InsertManyParams
          ? makeInsertParams(item.args, item.opts, context)
          : makeInsertParams(item, undefined, context);
      } catch (error) {
        throw error instanceof InvalidJobError ? error.at(index) : error;
      }
    });
  }

  #now(): Date {
    const now = this.#clock();
    if (now instanceof Date && !Number.isNaN(now.getTime())) return now;
    throw new RiverConfigurationError('clock: must return a valid Date.', {
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'clock',
    });
  }

  #context(): InsertContext {
    return {
      now: this.#now(),
      moduleOpts: this.#moduleOpts,
      claimKind: (job) => this.#kinds.claim(job),
    };
  }

  /** Without a transaction, each insert stands by itself on a connection of the pool. */
  #begin<T>(
    named: readonly [tx: unknown] | undefined,
    prepare: () => InsertParams[],
    read: (results: JobInsertResult[]) => T,
  ): Promise<T> {
    return this.#connections.begin({
      what: 'An insert',
      named,
      prepare,
      run: async (jobs, place) => read(await this.#insert(jobs, place)),
    });
  }

  async #insert(
    jobs: readonly InsertParams[],
    { connection, transaction }: Place,
  ): Promise<JobInsertResult[]> {
    for (const { signal } of jobs) {
      if (signal?.aborted) throw new InsertAbortedError(signal.reason);
    }
    if (transaction === undefined) {
      this.#checkPolicy(jobs);
      if (this.#lanes?.takes(jobs)) return await this.#lanes.insert(jobs);
    }
    return await this.#inserter.insert(connection, jobs, this.#notifications.wake(transaction));
  }

  /** What each job says of an insert outside of transactions. */
  #checkPolicy(jobs: readonly InsertParams[]): void {
    for (const { kind, outsideTransaction } of jobs) {
      if (outsideTransaction === 'error') throw outside(kind);
      if (outsideTransaction === 'warn') this.#logger.warn(outside(kind).message);
    }
  }
}

function outside(kind: string): RiverTransactionError {
  return new RiverTransactionError(
    `A job of kind '${kind}' was inserted outside of a transaction. Put @RiverTransactional() on the ` +
      "method, use transaction.run(...) or insertTx(...), or allow it by outsideTransaction: 'allow'.",
    { code: 'RIVER_OUTSIDE_TRANSACTION', field: 'outsideTransaction' },
  );
}

function notAList(items: unknown): InvalidJobError {
  return new InvalidJobError(`jobs: must be an array; got ${describeValue(items)}.`, {
    code: 'RIVER_ARGS_UNDECORATED',
    field: 'jobs',
  });
}
