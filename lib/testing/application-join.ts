import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { joinRepositories } from '../data-source/join-repositories.js';
import { joinSubscribers } from '../data-source/join-subscribers.js';
import { trackManagers } from '../data-source/tracked-manager.js';
import {
  ambientTransactionOf,
  runInLevel,
  type AmbientTransaction,
} from '../transaction/context/ambient-transaction.js';
import { ForeignTransaction } from '../transaction/foreign-transaction.js';

/** Begins a transaction of TypeORM, and runs its callback in it. */
export type Begin = (work: (manager: EntityManager) => Promise<unknown>) => Promise<unknown>;

/**
 * Lets repositories of the application's own data source join the transactions that `RiverTransaction`
 * opens beside those in memory, as they join in production.
 */
export class ApplicationJoin {
  readonly #dataSource: DataSource;
  #undo: (() => void)[] = [];
  #isBeginning = false;

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  /** @param open runs the callback of `manager.transaction(work)` of a manager that has no transaction */
  install(open: Begin): void {
    const isOpen = (): boolean => !this.#isBeginning;
    const opener = {
      get isOpen() {
        return isOpen();
      },
      open: (_isolation: unknown, work: (manager: EntityManager) => Promise<unknown>) => open(work),
    };
    this.#undo = [
      trackManagers(this.#dataSource),
      joinRepositories(this.#dataSource, opener),
      joinSubscribers(this.#dataSource),
    ];
  }

  uninstall(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** The query runner of the transaction of the application that the running code is in. */
  get queryRunner(): QueryRunner | undefined {
    const ambient = ambientTransactionOf(this.#dataSource, { lenient: true });
    return ambient?.isOpen === true ? ambient.queryRunner : undefined;
  }

  /** Begins a transaction on a connection of its own, which is not handed to the opener again. */
  begin(begin: Begin, work: (manager: EntityManager) => Promise<unknown>): Promise<unknown> {
    return this.outside(() => {
      this.#isBeginning = true;
      try {
        return begin(work);
      } finally {
        this.#isBeginning = false;
      }
    });
  }

  /** Runs `work`, whose repositories join the transaction on the query runner. */
  inside<T>(queryRunner: QueryRunner, work: () => T): T {
    return this.#inLevel(ForeignTransaction.opened(queryRunner, this.#dataSource), work);
  }

  /** Runs `work`, whose repositories join nothing. */
  outside<T>(work: () => T): T {
    return this.#inLevel(undefined, work);
  }

  #inLevel<T>(transaction: AmbientTransaction | undefined, work: () => T): T {
    return runInLevel({ dataSource: this.#dataSource, name: '', current: () => transaction }, work);
  }
}
