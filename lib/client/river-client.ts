import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
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
import { PoolConnection, type ConnectionSettings } from '../postgres/connection.js';
import { JobInserter } from '../postgres/job-inserter.js';
import { SchemaName } from '../postgres/schema-name.js';
import { UniqueLocks } from '../postgres/unique-locks.js';
import { UniqueLookUp } from '../postgres/unique-look-up.js';
import { ambientTransactionOf } from '../transaction/ambient-transaction.js';
import {
  explicitTransaction,
  type JoinedTransaction,
  type Transaction,
} from '../transaction/explicit-transaction.js';
import type { RiverModuleOptions } from './client-options.js';
import { InsertNotifications } from './insert-notifications.js';
import {
  InsertManyParams,
  type InsertManyItem,
  type InsertManyResults,
} from './insert-many-params.js';
import { KindRegistry } from './kind-registry.js';
import { explain, type UniqueExplanation } from './unique-explanation.js';

/**
 * Inserts jobs for River's workers. Injectable by its class, or by `@InjectRiverClient(name)`.
 *
 * Every insert is one statement. Whatever is refused is refused before anything is sent, as an
 * {@link InvalidJobError}; a batch with one bad job inserts nothing.
 */
export class RiverClient {
  readonly #dataSource: DataSource;
  readonly #logger = new Logger(RiverClient.name);
  readonly #kinds = new KindRegistry();
  readonly #settings: ConnectionSettings;
  readonly #pool: PoolConnection;
  readonly #inserter: JobInserter;
  readonly #lookUp: UniqueLookUp;
  readonly #notifications: InsertNotifications;
  readonly #clock: () => Date;
  readonly #moduleOpts: InsertContext['moduleOpts'];

  /** @internal Made by RiverModule; inject it. */
  constructor(dataSource: DataSource, options: RiverModuleOptions) {
    this.#dataSource = dataSource;
    this.#settings = { dataSource, preparedStatements: options.preparedStatements ?? true };
    this.#pool = new PoolConnection(this.#settings);
    const schema = new SchemaName(options.schema);
    this.#lookUp = new UniqueLookUp(schema);
    this.#inserter = new JobInserter(
      schema,
      new UniqueLocks(this.#lookUp, options.advisoryLockPrefix),
    );
    this.#notifications = new InsertNotifications(options.notify, this.#pool, schema);
    this.#clock = options.clock ?? (() => new Date());
    const { maxAttempts, outsideTransaction } = options;
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
  async insert<Args extends object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    const jobs = [makeInsertParams(args, opts, this.#context())];
    const [result] = await this.#insert(jobs, this.#ambient(jobs));
    return result as JobInsertResult<Args>;
  }

  /**
   * Inserts one job in the transaction given.
   *
   * @param tx an EntityManager, a QueryRunner or a pg client, in a transaction
   * @throws NotInTransactionError when `tx` is in none; and as {@link insert}
   */
  async insertTx<Args extends object>(
    tx: Transaction,
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<JobInsertResult<Args>> {
    const jobs = [makeInsertParams(args, opts, this.#context())];
    const [result] = await this.#insert(jobs, await explicitTransaction(tx, this.#settings));
    return result as JobInsertResult<Args>;
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
  async insertMany<const Items extends readonly InsertManyItem[]>(
    items: Items,
  ): Promise<InsertManyResults<Items>> {
    const jobs = this.#prepare(items);
    return (await this.#insert(jobs, this.#ambient(jobs))) as InsertManyResults<Items>;
  }

  /** {@link insertMany} in the transaction given, as {@link insertTx}. */
  async insertManyTx<const Items extends readonly InsertManyItem[]>(
    tx: Transaction,
    items: Items,
  ): Promise<InsertManyResults<Items>> {
    const jobs = this.#prepare(items);
    const transaction = await explicitTransaction(tx, this.#settings);
    return (await this.#insert(jobs, transaction)) as InsertManyResults<Items>;
  }

  /**
   * Explains why a unique job is, or would be, skipped: the text of its key, the states, and the
   * stored job that stands in the way. Takes what {@link insert} takes, and inserts nothing. Asks in
   * the transaction that the running code is in, if there is one.
   *
   * @example console.log((await river.explainUnique(new SortArgs([]))).reason);
   */
  async explainUnique<Args extends object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): Promise<UniqueExplanation<Args>> {
    const job = makeInsertParams(args, opts, this.#context());
    const ambient = ambientTransactionOf(this.#dataSource);
    return await explain(job, this.#lookUp, ambient?.connection(this.#settings) ?? this.#pool);
  }

  /** @internal Called by Nest: workers that were to be told at the end of a cooldown are told now. */
  async beforeApplicationShutdown(): Promise<void> {
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

  #context(): InsertContext {
    return {
      now: this.#clock(),
      moduleOpts: this.#moduleOpts,
      claimKind: (job) => this.#kinds.claim(job),
    };
  }

  /** Without a transaction, each insert stands by itself on a connection of the pool. */
  async #insert(
    jobs: readonly InsertParams[],
    transaction: JoinedTransaction | undefined,
  ): Promise<JobInsertResult[]> {
    for (const { signal } of jobs) {
      if (signal?.aborted) throw new InsertAbortedError(signal.reason);
    }
    const connection = transaction?.connection ?? this.#pool;
    return await this.#inserter.insert(connection, jobs, this.#notifications.wake(transaction));
  }

  /** The transaction that the running code is in; without one, the jobs' policy decides. */
  #ambient(jobs: readonly InsertParams[]): JoinedTransaction | undefined {
    const ambient = ambientTransactionOf(this.#dataSource);
    if (ambient !== undefined) {
      return {
        connection: ambient.connection(this.#settings),
        afterCommit: ambient.afterCommit?.bind(ambient),
      };
    }
    for (const { kind, outsideTransaction } of jobs) {
      if (outsideTransaction === 'error') throw outside(kind);
      if (outsideTransaction === 'warn') this.#logger.warn(outside(kind).message);
    }
    return undefined;
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
