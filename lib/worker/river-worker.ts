import { Logger } from '@nestjs/common';
import { partsOf } from '../client/client-parts.js';
import { milliseconds } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';
import { monitorEventLoopDelay, type IntervalHistogram } from '../real-time.js';
import type { RiverRuntime } from '../river.providers.js';
import type { WorkerMiddleware } from './attempt/handler.js';
import type { JobEvent, JobEventType } from './attempt/job-event.js';
import { invalidWorkerOption, resolveQueue } from './check-worker-options.js';
import type { Explored } from './handlers/explore-workers.js';
import { JobEventHub } from './job-event-hub.js';
import { WorkerRun, type WorkerRunParts } from './worker-run.js';
import type { QueueOptions, ResolvedWorkerOptions } from './worker-options.js';

/** How to stop a worker. */
export interface StopOptions {
  /** Whether the signals of the jobs under way abort at once. Default false: after the time limit. */
  readonly cancel?: boolean | undefined;
  /** **Milliseconds** until their signals abort. Default: the module's `softStopMs`. */
  readonly timeoutMs?: number | undefined;
}

/** How a worker is doing. */
export interface WorkerStatus {
  /** What stands in `attempted_by` of the jobs that it works. */
  readonly clientId: string;
  readonly isRunning: boolean;
  /** Whether it leads the maintenance of the fleet. */
  readonly isLeader: boolean;
  readonly queues: readonly {
    readonly name: string;
    /** Jobs under way, those included whose outcomes are not stored yet. */
    readonly running: number;
    readonly maxWorkers: number;
    readonly isPaused: boolean;
  }[];
  /** Why the worker cannot reach the database; undefined while it can. */
  readonly databaseError: unknown;
  /** **Milliseconds** by which timers of this process came late at most, since the status before. */
  readonly eventLoopDelayMs: number;
}

/** What a worker is made of; see `RiverWorkerModule`. */
export interface RiverWorkerParts {
  readonly runtime: RiverRuntime;
  readonly options: ResolvedWorkerOptions;
  readonly explore: () => Explored;
  readonly middleware: () => readonly WorkerMiddleware[];
}

/**
 * Works the jobs of one client in this process. Injectable by its class, or by `@InjectRiverWorker(name)`.
 * Nest starts and stops it with the application, unless `autoStart` or `enabled` is false.
 */
export class RiverWorker {
  readonly #parts: RiverWorkerParts;
  readonly #events: JobEventHub;
  readonly #logger = new Logger('RiverWorker');
  #delay: IntervalHistogram | undefined;
  #starting: Promise<WorkerRun> | undefined;
  #run: WorkerRun | undefined;
  #stopping: Promise<void> | undefined;
  #leaveDrain: (() => void) | undefined;
  #cancel = new AbortController();

  /** @internal Made by RiverWorkerModule; inject it. */
  constructor(parts: RiverWorkerParts) {
    this.#parts = parts;
    this.#events = new JobEventHub(partsOf(parts.runtime.client));
  }

  /**
   * Connects, and begins to work. Does nothing when it runs already, is not `enabled`, or in
   * `RiverTestingModule`.
   *
   * @throws RiverConfigurationError, DatabaseError
   */
  async start(): Promise<void> {
    const { options, runtime, explore, middleware } = this.#parts;
    if (!options.enabled || !runtime.hasDatabase) return;
    await this.#stopping;
    this.#starting ??= this.#begin({
      runtime,
      options,
      explored: checked(explore(), options),
      middleware: middleware(),
      events: this.#events,
    });
    await this.#starting;
  }

  /**
   * Claims nothing more, waits for the jobs under way, stores their outcomes and closes the connections. Jobs
   * that do not end in time get their signals aborted; their attempts are given back without being counted.
   *
   * @throws InvalidParamsError
   */
  async stop({ cancel = false, timeoutMs }: StopOptions = {}): Promise<void> {
    if (timeoutMs !== undefined) milliseconds()(timeoutMs, 'timeoutMs', invalidParams);
    if (this.#starting === undefined) return;
    if (cancel) this.#cancel.abort();
    this.#stopping ??= this.#end(timeoutMs ?? this.#parts.options.softStopMs);
    await this.#stopping;
  }

  /**
   * Works another queue, from here to the stop.
   *
   * @param options its number of workers, or its options
   * @throws RiverConfigurationError when it is worked already, or the worker does not run
   */
  async addQueue(name: string, options: number | QueueOptions): Promise<void> {
    const resolved = resolveQueue(name, options);
    const run = this.#requireRun();
    if (run.producers.has(name))
      throw invalidWorkerOption(`queues.${nameText(name)}`, 'the queue is worked already');
    await run.addQueue(name, resolved);
  }

  /**
   * Claims no more of a queue, and waits for its jobs under way. The row of the queue stays.
   *
   * @throws RiverConfigurationError when it is not worked, or the worker does not run
   */
  async removeQueue(name: string): Promise<void> {
    const run = this.#requireRun();
    if (!run.producers.has(name))
      throw invalidWorkerOption(`queues.${nameText(name)}`, 'the queue is not worked');
    await run.removeQueue(name);
  }

  /** How it is doing. */
  status(): WorkerStatus {
    const run = this.#run;
    const delayNs = this.#delay?.max ?? 0;
    this.#delay?.reset();
    return {
      clientId: this.#parts.options.clientId,
      isRunning: run !== undefined && this.#stopping === undefined,
      isLeader: run?.isLeader ?? false,
      queues: [...(run?.producers.values() ?? [])].map(
        ({ queue: name, running, maxWorkers, isPaused }) => ({
          name,
          running,
          maxWorkers,
          isPaused,
        }),
      ),
      databaseError: run?.core.outages.error,
      eventLoopDelayMs: delayNs / 1e6,
    };
  }

  /**
   * The events of the jobs worked here from now on, until the worker stops. Up to 1,000 wait to be read; what
   * comes then is dropped, with a warning.
   *
   * @param types which events; without any, all
   * @example for await (const { type, job } of worker.events('failed', 'discarded')) alert(type, job.id);
   */
  events(...types: readonly JobEventType[]): AsyncIterableIterator<JobEvent> {
    return this.#events.subscribe(types);
  }

  async #begin(parts: WorkerRunParts): Promise<WorkerRun> {
    try {
      this.#run = await WorkerRun.start(parts);
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    this.#delay = monitorEventLoopDelay();
    this.#delay.enable();
    const { activeWork } = this.#parts.runtime;
    this.#leaveDrain = activeWork.drainFirst(() => this.stop());
    return this.#run;
  }

  async #end(softStopMs: number): Promise<void> {
    try {
      const run = await this.#starting?.catch(() => undefined);
      const running = [...(run?.producers.values() ?? [])].reduce(
        (sum, producer) => sum + producer.running,
        0,
      );
      if (running > 0) this.#logger.log(`The worker stops; ${running} jobs are under way.`);
      await run?.stop({ softStopMs, signal: this.#cancel.signal });
    } finally {
      this.#events.close();
      this.#delay?.disable();
      this.#leaveDrain?.();
      this.#run = this.#starting = this.#stopping = undefined;
      this.#cancel = new AbortController();
    }
  }

  #requireRun(): WorkerRun {
    if (this.#run !== undefined && this.#stopping === undefined) return this.#run;
    throw invalidWorkerOption('queues', 'the worker does not run; call start() before');
  }
}

/** @throws RiverConfigurationError for a worker that could not work anything */
function checked(explored: Explored, { queues, onlyKnownKinds }: ResolvedWorkerOptions): Explored {
  if (queues.size > 0 && onlyKnownKinds && explored.handlers.length === 0) {
    throw invalidWorkerOption(
      'queues',
      'no provider has a method with @Work. Add the class to the providers of a module, or give `works`',
    );
  }
  return explored;
}
