import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { TransactionEndedError } from '../errors/transaction-errors.js';
import { ambientTransactionOf } from '../transaction/context/ambient-transaction.js';
import type { IsolationLevel } from '../transaction/context/transaction-options.js';

/** The callback of TypeORM's `transaction(work)`. */
export type TypeormWork = (manager: EntityManager) => Promise<unknown>;

/** Runs the callback of `dataSource.transaction(work)` in a transaction of ours. */
export interface TransactionOpener {
  /** False once the application ends: TypeORM then opens its transactions itself again. */
  readonly isOpen: boolean;
  open(isolation: IsolationLevel | undefined, work: TypeormWork): Promise<unknown>;
}

const joined = new WeakMap<DataSource, JoinedDataSource>();

/** The state of a data source whose repositories join; undefined where they do not. */
export function joinOf(dataSource: DataSource): JoinedDataSource | undefined {
  return joined.get(dataSource);
}

/** What repositories, managers and builders without a query runner of their own join. */
export class JoinedDataSource {
  readonly #dataSource: DataSource;
  /** One for each module on the data source. */
  readonly #openers = new Set<TransactionOpener>();
  #uninstall: () => void = () => undefined;
  #showsEnded = false;

  private constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  /** Adds a module. `install` runs for the first one; what it returns runs after the last one has left. */
  static enter(
    dataSource: DataSource,
    opener: TransactionOpener,
    install: (join: JoinedDataSource) => () => void,
  ): () => void {
    let join = joined.get(dataSource);
    if (join === undefined) {
      joined.set(dataSource, (join = new JoinedDataSource(dataSource)));
      join.#uninstall = install(join);
    }
    const entered = join;
    entered.#openers.add(opener);
    return () => {
      if (!entered.#openers.delete(opener) || entered.#openers.size > 0) return;
      joined.delete(dataSource);
      entered.#uninstall();
    };
  }

  /**
   * The query runner of the transaction that the running code is in.
   *
   * @throws TransactionEndedError in code that was started in a transaction and has outlived it
   */
  get queryRunner(): QueryRunner | undefined {
    // Somebody may have wrapped a method that we replaced, and so still call it after the end.
    if (this.#openers.size === 0) return undefined;
    const transaction = ambientTransactionOf(this.#dataSource, { lenient: true });
    if (transaction === undefined || transaction.isOpen) return transaction?.queryRunner;
    if (transaction.session === undefined) return undefined;
    if (!this.#showsEnded) throw new TransactionEndedError('A statement');
    return transaction.queryRunner;
  }

  /** Whether the running code is in a transaction, ended or not. */
  get isInTransaction(): boolean {
    return this.showingEnded(() => this.queryRunner !== undefined);
  }

  /** Runs `work` so that the query runner of an ended transaction is returned, which rejects statements. */
  showingEnded<T>(work: () => T): T {
    this.#showsEnded = true;
    try {
      return work();
    } finally {
      this.#showsEnded = false;
    }
  }

  /** Who opens the transactions of `dataSource.transaction(work)`. */
  get opener(): TransactionOpener | undefined {
    return [...this.#openers].find(({ isOpen }) => isOpen);
  }
}
