import type { FindHandler } from '../attempt/handler.js';
import { AUTO, Elector, type AutoIntervals } from '../leader/elector.js';
import { Lease } from '../leader/lease.js';
import type { WorkerCore } from '../worker-core.js';
import { jobCleaner, queueCleaner } from './cleaners.js';
import { jobRescuer } from './job-rescuer.js';
import { jobScheduler } from './job-scheduler.js';
import { Maintainer } from './maintainer.js';
import { reindexer } from './reindexer.js';

/** What others send to those who may lead. */
interface LeadershipNotifier {
  onLeadership(listener: (event: { action: string; leaderId: string }) => void): () => void;
}

/** The part of a worker in the maintenance of the fleet, by the option `maintenance`. */
export class Leadership {
  readonly #elector: Elector | undefined;
  readonly #clientId: string;
  readonly #notifier: LeadershipNotifier | undefined;
  #leave: (() => void) | undefined;

  constructor(
    core: WorkerCore,
    {
      findHandler,
      notifier,
      auto = AUTO,
    }: {
      readonly findHandler: FindHandler;
      readonly notifier: LeadershipNotifier | undefined;
      readonly auto?: AutoIntervals;
    },
  ) {
    const { maintenance } = core.options;
    this.#clientId = core.clientId;
    this.#notifier = notifier;
    if (maintenance === 'never') return;
    const services = [
      jobScheduler(core),
      jobRescuer(core, findHandler),
      jobCleaner(core),
      queueCleaner(core),
      reindexer(core),
    ];
    this.#elector = new Elector(new Lease(core), {
      outages: core.outages,
      handler: new Maintainer(services, core.outages),
      auto: maintenance === 'auto' ? auto : undefined,
    });
  }

  get isLeader(): boolean {
    return this.#elector?.isLeader ?? false;
  }

  start(): void {
    this.#leave = this.#notifier?.onLeadership(({ action, leaderId }) => {
      if (action === 'request_resign') this.#elector?.requestResign();
      else if (action === 'resigned' && leaderId !== this.#clientId) this.#elector?.resigned();
    });
    this.#elector?.start();
  }

  /** Ends the maintenance under way, and resigns. */
  async stop(): Promise<void> {
    this.#leave?.();
    await this.#elector?.stop();
  }
}
