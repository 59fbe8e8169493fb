import { clearTimeout, setTimeout } from '../../real-time.js';
import {
  workedQueueStatements,
  type WorkedQueueStatements,
} from '../../postgres/worker/worked-queue-statements.js';
import type { WorkerCore } from '../worker-core.js';

/** Milliseconds between two reports of a queue, which keep its row from being cleaned. */
const REPORT_MS = 600_000;
/** Milliseconds between two questions, where notifications tell the same, and where none arrive. */
const ASK_MS = { listening: 60_000, polling: 2_000 };
/** Ids in one question. */
const MAX_IDS = 1_000;

/** What a watch is told by a queue's producer, and tells it. */
export interface QueueWatchOptions {
  readonly queue: string;
  readonly listens: boolean;
  /** The ids of the jobs under way. */
  readonly running: () => readonly string[];
  readonly onPaused: (isPaused: boolean) => void;
  readonly onCancelled: (id: string) => void;
}

/** Keeps the row of a queue, and finds out what notifications did not tell: pauses and cancellations. */
export class QueueWatch {
  readonly #core: WorkerCore;
  readonly #options: QueueWatchOptions;
  readonly #statements: WorkedQueueStatements;
  #timers: NodeJS.Timeout[] = [];
  #isStopped = true;

  constructor(core: WorkerCore, options: QueueWatchOptions) {
    this.#core = core;
    this.#options = options;
    this.#statements = workedQueueStatements(core.schema);
  }

  /**
   * Makes or touches the row of the queue.
   *
   * @returns whether the queue is paused
   * @throws DatabaseError
   */
  async start(): Promise<boolean> {
    this.#isStopped = false;
    const [row] = await this.#core.connection.run(this.#statements.report, [this.#options.queue]);
    const { listens } = this.#options;
    this.#repeat(REPORT_MS, () => this.#report());
    this.#repeat(listens ? ASK_MS.listening : ASK_MS.polling, () => this.#ask(!listens));
    return row?.['paused'] === 'true';
  }

  /** Asks at once: notifications may have been missed. */
  catchUp(): void {
    void this.#safely(() => this.#ask(true));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
  }

  #repeat(ms: number, work: () => Promise<void>): void {
    const place = this.#timers.length;
    const again = (): void => {
      this.#timers[place] = setTimeout(() => {
        void this.#safely(work).then(() => {
          if (!this.#isStopped) again();
        });
      }, ms);
    };
    again();
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#core.outages.succeeded();
    } catch (error) {
      this.#core.outages.failed(`Asking for the state of queue ${this.#options.queue}`, error);
    }
  }

  async #report(): Promise<void> {
    await this.#core.connection.run(this.#statements.report, [this.#options.queue]);
  }

  async #ask(isAlsoPaused: boolean): Promise<void> {
    const { connection } = this.#core;
    const { queue, running, onPaused, onCancelled } = this.#options;
    if (isAlsoPaused) {
      const [row] = await connection.run(this.#statements.read, [queue]);
      if (!this.#isStopped) onPaused(row?.['paused'] === 'true');
    }
    const ids = running();
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const some = ids.slice(from, from + MAX_IDS);
      for (const { id } of await connection.run(this.#statements.cancelled, [some]))
        onCancelled(id ?? '');
    }
  }
}
