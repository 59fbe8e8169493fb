import { partsOf } from '../../client/client-parts.js';
import type { RiverClient } from '../../client/river-client.js';
import { PeriodicTable } from '../../postgres/worker/periodic-table.js';
import { inOwnContext } from '../own-context.js';
import type { WorkerCore } from '../worker-core.js';
import { DatabaseClock } from './database-clock.js';
import type { PeriodicJob } from './periodic-job.js';
import { PeriodicLoop } from './periodic-loop.js';

/**
 * Inserts periodic jobs, each due time once in the whole fleet, whoever leads it. Every process watches
 * the schedules by the database's clock. Whoever takes a due time in the table of {@link PeriodicTable}
 * inserts the job in the same transaction: so it is inserted by one process, and by another one if that
 * one dies before its COMMIT. A lease of one process would not remember for which times its holder
 * has inserted before it died.
 *
 * - A due time that passed while no process ran is made up if it is at most 5 minutes ago, as in a
 *   deployment; of several the last one. The same goes for the time in which the database was away,
 *   however long.
 * - A job with `runOnStart` is inserted when a process starts, unless another one has started within
 *   the minute before: processes that are deployed together count as one start.
 * - The job of a time is inserted with what Go's clients write of periodic jobs, and its own unique
 *   options count: if it is skipped for them, its time is over.
 * - What `make` throws is logged, and this process leaves out the time.
 */
export class PeriodicJobs {
  readonly #core: WorkerCore;
  readonly #client: RiverClient;
  readonly #jobs: readonly PeriodicJob[];
  #loops: readonly PeriodicLoop[] = [];

  constructor(
    core: WorkerCore,
    { client, jobs }: { readonly client: RiverClient; readonly jobs: readonly PeriodicJob[] },
  ) {
    this.#core = core;
    this.#client = client;
    this.#jobs = jobs;
  }

  /**
   * Creates the table, if it is not there, and begins to watch the schedules.
   *
   * @throws DatabaseError, RiverConfigurationError
   */
  async start(): Promise<void> {
    if (this.#jobs.length === 0) return;
    const { connection, schema, outages } = this.#core;
    const table = new PeriodicTable(schema);
    const clock = new DatabaseClock();
    const { inserts } = partsOf(this.#client);
    await inOwnContext(async () => {
      const known = await table.register(
        connection,
        this.#jobs.map(({ id }) => id),
      );
      for (const { now } of known.values()) clock.set(now);
      const parts = { connection, outages, table, clock, inserts };
      this.#loops = this.#jobs.map((job) => new PeriodicLoop(job, parts));
      for (const [place, loop] of this.#loops.entries())
        loop.start(known.get(this.#jobs[place]?.id ?? '')?.dueAt ?? -Infinity);
    });
  }

  /** Resolves when nothing is being inserted any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    this.#loops = [];
  }
}
