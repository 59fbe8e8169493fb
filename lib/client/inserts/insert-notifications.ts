import { Logger } from '@nestjs/common';
import type { Connection } from '../../postgres/connection/connection.js';
import { WAKE_IN_TRANSACTION, WAKE_NOBODY, type Wake } from '../../postgres/insert/wake.js';
import { InsertNotifier } from './insert-notifier.js';
import { notifyStatement } from '../../postgres/insert/notify-statement.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { ActiveWork } from '../../transaction/engine/active-work.js';
import type { JoinableTransaction } from '../../transaction/context/ambient-transaction.js';
import type { ResolvedOptions } from '../options/resolved-options.js';

/** Chooses how each insert of a client wakes workers, by the module's option `notify`. */
export class InsertNotifications {
  readonly #logger = new Logger('RiverClient');
  readonly #afterCommit: boolean;
  readonly #notifier: InsertNotifier | undefined;
  readonly #listeners = new Set<(queue: string) => void>();

  constructor(
    notify: ResolvedOptions['notify'],
    schema: SchemaName,
    { pool, activeWork }: { pool: Connection; activeWork: ActiveWork },
  ) {
    this.#afterCommit = notify !== false && notify.mode === 'afterCommit';
    if (notify === false) return;
    const statement = notifyStatement(schema);
    this.#notifier = new InsertNotifier({
      cooldownMs: notify.cooldownMs,
      send: (queues) => {
        const sent = pool.run(statement, [queues]).then(() => undefined);
        // So that the data source is not closed under it.
        activeWork.follow(sent);
        return sent;
      },
      onFailure: (error, triesLeft) => {
        const next =
          triesLeft > 0 ? 'It will be tried again' : 'They will find them when they poll';
        this.#logger.warn(`Workers could not be notified of new jobs. ${next}: ${String(error)}`);
      },
      onRecovery: (failures) => {
        const times = failures === 1 ? 'one failure' : `${failures} failures`;
        this.#logger.debug(`Workers were notified of new jobs after ${times}.`);
      },
    });
  }

  /** For an insert in a transaction; without one, for an insert by itself. */
  wake(transaction: JoinableTransaction | undefined): Wake {
    const notifier = this.#notifier;
    if (transaction === undefined) return this.#wakeHere(notifier?.forInsert() ?? WAKE_NOBODY);
    if (notifier === undefined) return WAKE_NOBODY;
    if (!this.#afterCommit || transaction.afterCommit === undefined) return WAKE_IN_TRANSACTION;
    return {
      admit: () => [],
      stored: (queues) => transaction.afterCommit?.(() => notifier.wake(queues)),
    };
  }

  /** For an insert in a transaction that is the worker's own. */
  get ofWorker(): Wake {
    return this.#notifier === undefined ? WAKE_NOBODY : WAKE_IN_TRANSACTION;
  }

  /**
   * Calls `listener` for each queue into which an insert outside a transaction has put a job: a worker in the
   * same process need not wait for the notification.
   *
   * @returns undoes it
   */
  onStored(listener: (queue: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #wakeHere(wake: Wake): Wake {
    if (this.#listeners.size === 0) return wake;
    return {
      admit: (queues) => wake.admit(queues),
      stored: (queues) => {
        wake.stored(queues);
        for (const queue of queues) for (const listener of this.#listeners) listener(queue);
      },
    };
  }

  async close(): Promise<void> {
    await this.#notifier?.close();
  }

  reopen(): void {
    this.#notifier?.reopen();
  }
}
