import type { DataSource } from 'typeorm';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import { InsertLanes, type LaneWork } from './insert-lanes.js';
import type { ClientConnections } from '../../transaction/client-connections.js';
import type { ActiveWork } from '../../transaction/engine/active-work.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { PendingInserts } from './pending-inserts.js';

/** The inserts of a client outside transactions: together with others, or alone. */
export class OutsideInserts {
  readonly pending: PendingInserts;
  readonly #insert: LaneWork['insert'];
  readonly #connections: ClientConnections;
  readonly #lanes: InsertLanes | undefined;
  readonly #canShare: () => boolean;

  /** @param canShare whether calls may share statements now */
  constructor(
    { insert, canShare }: { insert: LaneWork['insert']; canShare: () => boolean },
    {
      dataSource,
      connections,
      activeWork,
      options: { coalesce, maxPendingInserts },
    }: {
      dataSource: DataSource;
      connections: ClientConnections;
      activeWork: ActiveWork;
      options: ResolvedOptions;
    },
  ) {
    this.pending = new PendingInserts(maxPendingInserts);
    this.#insert = insert;
    this.#canShare = canShare;
    this.#connections = connections;
    if (coalesce === false) return;
    const lanes = new InsertLanes({ dataSource, pool: connections.pool, insert }, coalesce);
    this.#lanes = lanes;
    // After the time limit of the shutdown nothing new is sent.
    activeWork.onAbort((reason) => lanes.abort(reason));
  }

  /** @throws TooManyPendingInsertsError */
  insert(
    jobs: readonly InsertParams[],
    signals: readonly AbortSignal[],
  ): Promise<JobInsertResult[]> {
    return this.pending.run(jobs.length, () => {
      const canShare = this.#canShare() && !this.#connections.isWithinTransaction;
      if (canShare && this.#lanes?.takes(jobs)) return this.#lanes.insert(jobs, signals);
      const { pool } = this.#connections;
      return this.#insert(signals.length > 0 ? pool.until(signals) : pool, jobs);
    });
  }
}
