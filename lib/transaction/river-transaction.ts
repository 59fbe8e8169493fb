import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { NotInTransactionError, RiverTransactionError } from '../errors/transaction-error.js';
import {
  ambientTransactionOf,
  runInLevel,
  type AmbientTransaction,
} from './ambient-transaction.js';
import { isQueryRunner, requireDataSource } from './explicit-transaction.js';
import { ForeignTransaction } from './foreign-transaction.js';
import { scopeOf, TransactionScope, type IsolationLevel } from './transaction-scope.js';

/** How `run` opens its transaction. */
export interface RiverTransactionOptions {
  /** Default: the data source's, which is READ COMMITTED unless configured otherwise. */
  readonly isolation?: IsolationLevel | undefined;
}

/**
 * Opens transactions that inserts join by themselves. Injectable; one for each client, on the same
 * data source.
 *
 * @example
 * await this.transaction.run(async (manager) => {
 *   const order = await manager.save(Order, dto);
 *   await this.river.insert(new SendReceipt(order.id));
 * });
 */
export class RiverTransaction {
  readonly #dataSource: DataSource;
  /** Name of the client that this helper belongs to. */
  readonly name: string;

  /** @internal Made by RiverModule; inject it. */
  constructor(name: string, dataSource: DataSource) {
    this.name = name;
    this.#dataSource = dataSource;
  }

  /**
   * Runs `work` in a transaction: a new one, or the one that the caller is in already. A new one is
   * committed before the promise resolves, and rolled back when `work` throws; its error is passed
   * on unchanged. Statements that `work` did not await are part of it.
   *
   * @throws TransactionRolledBackError when a statement failed and its error was swallowed
   * @throws RiverTransactionError when a transaction is joined and `isolation` is given
   */
  async run<T>(work: (manager: EntityManager) => Promise<T> | T): Promise<T>;
  async run<T>(
    options: RiverTransactionOptions,
    work: (manager: EntityManager) => Promise<T> | T,
  ): Promise<T>;
  async run<T>(
    ...args:
      | [work: (manager: EntityManager) => Promise<T> | T]
      | [options: RiverTransactionOptions, work: (manager: EntityManager) => Promise<T> | T]
  ): Promise<T> {
    const [options, work] = args.length === 1 ? [{}, args[0]] : args;
    const ambient = ambientTransactionOf(this.#dataSource);
    if (ambient === undefined) return await this.#runInNew(options, work);
    if (options.isolation !== undefined) throw joinsAnother();
    return await work(ambient.queryRunner.manager);
  }

  /**
   * Runs `work` so that its inserts join a transaction which the application itself has begun on
   * `queryRunner`, and which it will end itself.
   *
   * @throws NotInTransactionError when the query runner is in no transaction
   * @throws RiverTransactionError when it is none, or belongs to another data source
   */
  async bind<T>(queryRunner: QueryRunner, work: () => Promise<T> | T): Promise<T> {
    if (!isQueryRunner(queryRunner)) throw notAQueryRunner(queryRunner);
    requireDataSource(queryRunner, this.#dataSource, 'queryRunner');
    if (queryRunner.isReleased || !queryRunner.isTransactionActive) {
      throw new NotInTransactionError(
        'bind: the query runner is not in a transaction. Call startTransaction() first.',
      );
    }
    return await this.#level(scopeOf(queryRunner) ?? new ForeignTransaction(queryRunner), work);
  }

  /** Runs `work` outside of any transaction of this data source: on connections of its own. */
  async outside<T>(work: () => Promise<T> | T): Promise<T> {
    return await this.#level(undefined, work);
  }

  /** Whether the running code is in a transaction of this data source. */
  get isActive(): boolean {
    return ambientTransactionOf(this.#dataSource) !== undefined;
  }

  /**
   * The query runner of the transaction that the running code is in.
   *
   * @throws NotInTransactionError when there is none
   */
  get queryRunner(): QueryRunner {
    const ambient = ambientTransactionOf(this.#dataSource);
    if (ambient === undefined) {
      throw new NotInTransactionError(
        'There is no transaction here. Put @RiverTransactional() on the method, or wrap the code ' +
          'in transaction.run(...); `isActive` tells beforehand.',
      );
    }
    return ambient.queryRunner;
  }

  /**
   * The entity manager of the transaction that the running code is in.
   *
   * @throws NotInTransactionError when there is none
   */
  get manager(): EntityManager {
    return this.queryRunner.manager;
  }

  async #runInNew<T>(
    { isolation }: RiverTransactionOptions,
    work: (manager: EntityManager) => Promise<T> | T,
  ): Promise<T> {
    const queryRunner = this.#dataSource.createQueryRunner('master');
    let scope: TransactionScope;
    try {
      scope = await TransactionScope.begin(queryRunner, isolation);
    } catch (error) {
      await queryRunner.release();
      throw error;
    }
    try {
      const result = await this.#level(scope, async () => await work(queryRunner.manager));
      await scope.commit();
      return result;
    } catch (error) {
      await scope.rollback();
      throw error;
    } finally {
      await scope.release();
    }
  }

  #level<T>(transaction: AmbientTransaction | undefined, work: () => T): T {
    return runInLevel(
      { dataSource: this.#dataSource, name: this.name, current: () => transaction },
      work,
    );
  }
}

function notAQueryRunner(value: unknown): RiverTransactionError {
  return new RiverTransactionError(
    `bind: must be given a QueryRunner of TypeORM; got ${describeValue(value)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field: 'queryRunner' },
  );
}

function joinsAnother(): RiverTransactionError {
  return new RiverTransactionError(
    'isolation: cannot be chosen where a transaction is joined that has begun already. Give it to ' +
      'the outermost run(...) or @RiverTransactional(...).',
    { code: 'RIVER_INVALID_TRANSACTION', field: 'isolation' },
  );
}
