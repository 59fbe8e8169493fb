import { Logger } from '@nestjs/common';
import { sleep } from '../../real-time.js';
import { inOwnContext } from '../own-context.js';
import type { OutageLog } from '../outage-log.js';

/** Milliseconds between the starts of two services at most, and between two batches. */
const START_PAUSE_MS = 1_000;
const BATCH_PAUSE_MS = { least: 50, most: 1_000 };
/** Rows in a batch, and after this many timeouts in a row. River's. */
const BATCH = 10_000;
const SMALL_BATCH = 1_000;
const MAX_TIMEOUTS = 3;

/** Something that a leader does again and again. */
export interface Service {
  /** What it does, for messages: `Scheduling jobs`. */
  readonly what: string;
  /** Milliseconds to the next run. */
  untilNext(): number;
  /** Whether it also runs at the start of a term. */
  readonly runsAtStart: boolean;
  /** Whether it runs beside the others, which run one at a time. */
  readonly isApart?: boolean;
  /** Does one batch; whether there may be more. */
  run(batch: number): Promise<boolean>;
}

/**
 * Runs the services of a leader, for one term after another. Those that wait for locks hold one of the
 * worker's few connections between them: the others are for claims, outcomes and the lease.
 */
export class Maintainer {
  readonly #services: readonly Service[];
  readonly #outages: OutageLog;
  readonly #random: () => number;
  /** How many runs in a row have timed out. Kept beyond a term, since the table is still as large then. */
  readonly #timeouts = new Map<Service, number>();
  #turn: Promise<unknown> = Promise.resolve();
  #term: AbortController | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(services: readonly Service[], outages: OutageLog, random = Math.random) {
    this.#services = services;
    this.#outages = outages;
    this.#random = random;
  }

  /** Begins a term. */
  start(): void {
    const term = (this.#term = new AbortController());
    this.#running = inOwnContext(() => this.#run(term.signal));
  }

  /** Ends the term, when the statements under way are done. */
  async stop(): Promise<void> {
    this.#term?.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const running: Promise<void>[] = [];
    // One after another, so that a new leader does not begin with a burst.
    for (const service of this.#services) {
      await sleep(this.#random() * START_PAUSE_MS, signal);
      if (signal.aborted) break;
      running.push(this.#repeat(service, signal));
    }
    await Promise.all(running);
  }

  async #repeat(service: Service, signal: AbortSignal): Promise<void> {
    if (!service.runsAtStart) await sleep(service.untilNext(), signal);
    while (!signal.aborted) {
      try {
        while (await this.#batch(service, signal)) {
          const { least, most } = BATCH_PAUSE_MS;
          await sleep(least + this.#random() * (most - least), signal);
        }
        if (signal.aborted) return;
        if (this.#timeoutsOf(service) < MAX_TIMEOUTS) this.#timeouts.delete(service);
        this.#outages.succeeded();
      } catch (error) {
        if (isTimeout(error)) this.#timeouts.set(service, this.#timeoutsOf(service) + 1);
        if (!signal.aborted) this.#outages.failed(service.what, error);
      }
      await sleep(service.untilNext(), signal);
    }
  }

  async #batch(service: Service, signal: AbortSignal): Promise<boolean> {
    const run = async (): Promise<boolean> => {
      if (signal.aborted) return false;
      return await service.run(this.#timeoutsOf(service) >= MAX_TIMEOUTS ? SMALL_BATCH : BATCH);
    };
    if (service.isApart === true) return await run();
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  #timeoutsOf(service: Service): number {
    return this.#timeouts.get(service) ?? 0;
  }
}

function isTimeout(error: unknown): boolean {
  const { sqlState, cause } = Object(error) as { sqlState?: string; cause?: Error };
  return sqlState === '57014' || (sqlState === undefined && /timeout/.test(cause?.message ?? ''));
}

/** For events that are not outages. */
export const maintenanceLog = new Logger('RiverWorker');
