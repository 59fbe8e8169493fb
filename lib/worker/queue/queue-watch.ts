import { clearTimeout, setTimeout } from '../../real-time.js';
import type { Statement } from '../../postgres/connection/statement.js';
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

/** What a watch receives from the producer of a queue, and reports to it. */
export interface QueueWatchOptions {
  readonly queue: string;
  readonly listens: boolean;
  /** The ids of the jobs under way. */
  readonly running: () => readonly string[];
  /** How many pauses and resumptions were notified of. What was read before one of them is old. */
  readonly heard: () => number;
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
   * Makes or touches the row of the queue, and reports whether it is paused.
   *
   * @throws DatabaseError
   */
  async start(): Promise<void> {
    this.#isStopped = false;
    await this.#readPaused(this.#statements.report);
    const { listens } = this.#options;
    this.#repeat(REPORT_MS, () => this.#report());
    this.#repeat(listens ? ASK_MS.listening : ASK_MS.polling, () => this.#ask(!listens));
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
    const { running, onCancelled } = this.#options;
    if (isAlsoPaused) await this.#readPaused(this.#statements.read);
    const ids = running();
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const some = ids.slice(from, from + MAX_IDS);
      for (const { id } of await connection.run(this.#statements.cancelled, [some]))
        onCancelled(id ?? '');
    }
  }

  async #readPaused(statement: Statement): Promise<void> {
    const { queue, heard, onPaused } = this.#options;
    const before = heard();
    const [row] = await this.#core.connection.run(statement, [queue]);
    if (!this.#isStopped && heard() === before) onPaused(row?.['paused'] === 'true');
  }
}
