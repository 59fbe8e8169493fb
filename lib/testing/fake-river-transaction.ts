import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import {
  RiverTransaction,
  type RiverTransactionSettings,
  type TransactionWork,
} from '../transaction/river-transaction.js';
import type { RiverTransactionOptions } from '../transaction/context/transaction-options.js';
import type { ApplicationTransactions } from './application-transactions.js';
import { applicationOf } from './stand-ins.js';

/**
 * The transaction helper of `RiverTestingModule`. Where the application has a data source of its own, SQLite or
 * a mock, the work runs in a transaction of that, too, and is given its entity manager.
 */
export class FakeRiverTransaction extends RiverTransaction {
  readonly #application: ApplicationTransactions | undefined;

  /** @internal Made by RiverTestingModule. */
  constructor(name: string, dataSource: DataSource, settings?: RiverTransactionSettings) {
    super(name, dataSource, settings);
    this.#application = applicationOf(dataSource);
    this.#application?.join(this);
  }

  /** @internal Called by Nest. */
  onApplicationShutdown(): void {
    this.#application?.leave();
  }

  override run<T>(work: TransactionWork<T>): Promise<T>;
  override run<T>(options: RiverTransactionOptions, work: TransactionWork<T>): Promise<T>;
  override run<T>(
    ...args:
      [work: TransactionWork<T>] | [options: RiverTransactionOptions, work: TransactionWork<T>]
  ): Promise<T> {
    const [options, work] = args.length === 1 ? [{}, args[0]] : args;
    const application = this.#application;
    if (application === undefined || typeof work !== 'function') return super.run(options, work);
    return super.run(options, (manager) => application.enter(manager, work));
  }

  override async bind<T>(queryRunner: QueryRunner, work: () => Promise<T> | T): Promise<T> {
    const application = this.#application;
    if (application?.isOfApplication(queryRunner) !== true || typeof work !== 'function') {
      return await super.bind(queryRunner, work);
    }
    const standIn = application.standIn(queryRunner);
    if (standIn === undefined) return await super.bind(queryRunner, work);
    return await super.bind(standIn, () => application.inside(queryRunner, work));
  }

  override async outside<T>(work: () => Promise<T> | T): Promise<T> {
    const application = this.#application;
    if (application === undefined || typeof work !== 'function') return await super.outside(work);
    return await super.outside(() => application.outside(work));
  }

  /** That of the application's data source, where it has one. */
  override get queryRunner(): QueryRunner {
    const inMemory = super.queryRunner;
    return inMemory.manager.queryRunner ?? inMemory;
  }

  override get manager(): EntityManager {
    return super.queryRunner.manager;
  }
}
