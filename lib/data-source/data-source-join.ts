import type { DataSource } from 'typeorm';
import type { ActiveWork } from '../transaction/engine/active-work.js';
import { claimDataSource } from './data-source-claim.js';
import { holdOpen } from './data-source-hold.js';
import type { TransactionOpener } from './joined-data-source.js';
import { joinRepositories } from './join-repositories.js';
import { joinSubscribers } from './join-subscribers.js';
import type { RiverTransaction } from '../transaction/river-transaction.js';
import { limitSecondConnections } from './second-connection.js';
import { trackManagers } from './tracked-manager.js';
import { trackRepositories } from './tracked-repository.js';

/**
 * What a module does to the application's data source, and undoes when the application ends:
 * repositories join transactions, no transaction waits forever for a second connection, and the data
 * source is not destroyed while work is in progress.
 */
export class DataSourceJoin {
  readonly #activeWork: ActiveWork;
  readonly #undo: (() => void)[] = [];

  constructor(
    dataSource: DataSource,
    {
      activeWork,
      transaction,
      repositories,
      secondConnectionTimeoutMs,
    }: {
      activeWork: ActiveWork;
      transaction: RiverTransaction;
      repositories: boolean;
      secondConnectionTimeoutMs?: number | undefined;
    },
  ) {
    this.#activeWork = activeWork;
    this.#undo.push(claimDataSource(dataSource));
    this.#undo.push(trackManagers(dataSource), trackRepositories(dataSource));
    if (repositories) {
      const opener: TransactionOpener = {
        get isOpen() {
          return !activeWork.isClosed;
        },
        open: (isolation, work) => transaction.run({ isolation }, work),
      };
      this.#undo.push(joinRepositories(dataSource, opener), joinSubscribers(dataSource));
    }
    this.#undo.push(
      limitSecondConnections(dataSource, secondConnectionTimeoutMs),
      holdOpen(dataSource, activeWork),
    );
  }

  /** Called by Nest when the servers have closed, so that requests under way could still insert. */
  async onApplicationShutdown(): Promise<void> {
    await this.#activeWork.shutDown();
    // A transaction that did not end in time still needs all of it, until the data source is destroyed.
    if (!this.#activeWork.isIdle) return;
    for (const undo of this.#undo.splice(0)) undo();
  }
}
