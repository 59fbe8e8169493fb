import { Logger } from '@nestjs/common';
import type { RiverRuntime } from '../river.providers.js';
import { partsOf } from '../client/client-parts.js';
import { WorkerStoppingError } from '../errors/worker-errors.js';
import { endsWithin } from '../abort-signal.js';
import { SchemaName } from '../postgres/connection/schema-name.js';
import { checkRights } from '../postgres/worker/check-rights.js';
import type { AttemptParts } from './attempt/attempt.js';
import type { WorkerMiddleware } from './attempt/handler.js';
import type { Explored } from './handlers/explore-workers.js';
import type { JobEventHub } from './job-event-hub.js';
import { Leadership } from './maintenance/leadership.js';
import { Notifier } from './listen/notifier.js';
import { OutageLog } from './outage-log.js';
import { inTransactionOf } from './outcomes/in-transaction.js';
import { OutcomeBatcher } from './outcomes/outcome-batcher.js';
import { inOwnContext } from './own-context.js';
import { PeriodicJobs } from './periodic/periodic-jobs.js';
import { resolvePeriodic } from './periodic/resolve-periodic.js';
import { KindLimits } from './queue/kind-limits.js';
import { Producer } from './queue/producer.js';
import type { WorkerCore } from './worker-core.js';
import { WorkerDatabase } from './worker-database.js';
import type { ResolvedQueueOptions, ResolvedWorkerOptions } from './worker-options.js';

const logger = new Logger('RiverWorker');

/** Milliseconds that attempts have to end once their signals are aborted, and outcomes to be stored then. */
const AFTER_ABORT_MS = 3_000;
const AFTER_WORK_MS = 5_000;

/** What a worker is made of at each start. */
export interface WorkerRunParts {
  readonly runtime: RiverRuntime;
  readonly options: ResolvedWorkerOptions;
  readonly explored: Explored;
  readonly middleware: readonly WorkerMiddleware[];
  readonly events: JobEventHub;
}

/** A worker from one start to its stop. */
export class WorkerRun {
  readonly core: WorkerCore;
  readonly producers = new Map<string, Producer>();
  readonly #parts: WorkerRunParts;
  readonly #database: WorkerDatabase;
  readonly #batcher: OutcomeBatcher;
  readonly #limits: KindLimits;
  readonly #attemptParts: AttemptParts;
  readonly #notifier: Notifier | undefined;
  readonly #leadership: Leadership;
  readonly #periodic: PeriodicJobs;
  readonly #leave: (() => void)[] = [];

  private constructor(parts: WorkerRunParts, database: WorkerDatabase, core: WorkerCore) {
    const { runtime, options, explored, middleware, events } = parts;
    const { dataSource, activeWork, transaction, client } = runtime;
    const { preparedStatements } = runtime.options;
    this.#parts = parts;
    this.#database = database;
    this.core = core;
    this.#batcher = new OutcomeBatcher(core);
    this.#limits = new KindLimits(explored.handlers, options.onlyKnownKinds);
    const application = { dataSource, preparedStatements, activeWork, transaction };
    this.#attemptParts = {
      options,
      findHandler: explored.find,
      middleware,
      store: this.#batcher.add,
      inTransaction: inTransactionOf(application, core),
      get report() {
        return events.report;
      },
      ended: events.ended,
    };
    if (options.connections.listen) this.#notifier = new Notifier(database, core);
    this.#leadership = new Leadership(core, {
      findHandler: explored.find,
      notifier: this.#notifier,
    });
    const jobs = resolvePeriodic(explored.periodics);
    this.#periodic = new PeriodicJobs(core, { client, jobs });
  }

  /**
   * Connects, and begins to work.
   *
   * @throws DatabaseError, RiverConfigurationError
   */
  static async start(parts: WorkerRunParts): Promise<WorkerRun> {
    const { runtime, options } = parts;
    const schema = new SchemaName(runtime.options.schema);
    const { max } = options.connections;
    const { preparedStatements } = runtime.options;
    const given = { max, schema, preparedStatements };
    const database = await WorkerDatabase.open(runtime.dataSource, given);
    try {
      const { connection } = database;
      const { clientId } = options;
      await checkRights(connection, schema, options.maintenance !== 'never');
      const core = { clientId, connection, schema, options, outages: new OutageLog() };
      const run = new WorkerRun(parts, database, core);
      await run.#start();
      return run;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  get isLeader(): boolean {
    return this.#leadership.isLeader;
  }

  async #start(): Promise<void> {
    this.#parts.events.listen(this.#parts.explored.listeners);
    try {
      await this.#notifier?.start();
      this.#notifier?.onInsert((queue) => this.producers.get(queue)?.wake());
      const { notifications } = partsOf(this.#parts.runtime.client).inserts;
      const inserted = (queue: string): void => this.producers.get(queue)?.inserted();
      this.#leave.push(notifications.onStored(inserted));
      this.#notifier?.onControl((event) => {
        for (const producer of this.producers.values()) producer.control(event);
      });
      this.#notifier?.onReconnect(() => {
        for (const producer of this.producers.values()) producer.catchUp();
      });
      inOwnContext(() => this.#leadership.start());
      await this.#periodic.start();
      for (const [name, options] of this.#parts.options.queues) await this.addQueue(name, options);
    } catch (error) {
      await this.stop({ softStopMs: 0 });
      throw error;
    }
  }

  async addQueue(queue: string, options: ResolvedQueueOptions): Promise<void> {
    const producer = new Producer(this.core, {
      queue,
      options,
      parts: this.#attemptParts,
      limits: this.#limits,
      whenRoom: () => this.#batcher.whenRoom(),
      listens: this.#notifier !== undefined,
    });
    this.producers.set(queue, producer);
    try {
      await producer.start();
    } catch (error) {
      this.producers.delete(queue);
      throw error;
    }
  }

  /** Waits for the running jobs of the queue, and forgets it. */
  async removeQueue(queue: string): Promise<void> {
    const producer = this.producers.get(queue);
    if (producer === undefined) return;
    await producer.stopClaiming();
    await producer.whenIdle();
    this.producers.delete(queue);
  }

  /**
   * Claims nothing more, lets the jobs under way end, and gives back everything. Takes no longer than its time
   * limits, also where the database does not respond.
   *
   * @param limits.softStopMs after which the signals of jobs abort; or when `signal` does
   */
  async stop(limits: { softStopMs: number; signal?: AbortSignal }): Promise<void> {
    for (const leave of this.#leave) leave();
    const others = Promise.all([this.#leadership.stop(), this.#periodic.stop()]);
    await Promise.all([
      this.#drain(limits),
      endsWithin(limits.softStopMs + AFTER_ABORT_MS, others),
    ]);
    await this.#batcher.close(AFTER_WORK_MS);
    await this.#notifier?.stop();
    await this.#database.close();
    this.#parts.events.listen([]);
  }

  async #drain({
    softStopMs,
    signal,
  }: {
    softStopMs: number;
    signal?: AbortSignal;
  }): Promise<void> {
    const producers = [...this.producers.values()];
    const reason = new WorkerStoppingError();
    const drained = producers.map(async (producer) => {
      // The jobs of a claim under way are worked.
      await producer.stopClaiming();
      await producer.whenIdle();
    });
    const idle = Promise.all(drained);
    await endsWithin(
      softStopMs,
      signal === undefined ? idle : Promise.race([idle, aborted(signal)]),
    );
    for (const producer of producers) producer.abortAll(reason);
    if (await endsWithin(AFTER_ABORT_MS, idle)) return;
    const left = producers.reduce((sum, { running }) => sum + running, 0);
    logger.warn(
      `${left} jobs go on though their signals were aborted ${AFTER_ABORT_MS} ms ago. They stay running in the ` +
        'database until they are rescued, and are then worked again.',
    );
    for (const producer of producers) producer.leave();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
