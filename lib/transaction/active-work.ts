import type { DataSource } from 'typeorm';
import { ShuttingDownError } from '../errors/transaction-error.js';

const DEFAULT_TIMEOUT_MS = 10_000;

/** What a client has under way, so that the end of the application can wait for it. */
export class ActiveWork {
  readonly #running = new Set<Promise<unknown>>();
  readonly #timeoutMs: number;
  #closed: Promise<void> | undefined;

  /** @param timeoutMs how long {@link close} waits at most; default 10 seconds */
  constructor(timeoutMs: number = DEFAULT_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
  }

  /** @throws ShuttingDownError once it is closed */
  run<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new ShuttingDownError());
    const work = begin();
    const ended: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => this.#running.delete(ended));
    this.#running.add(ended);
    return work;
  }

  /** Refuses what is new, and waits for what is under way. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain());
  }

  /**
   * Keeps a data source open, whoever destroys it and in whichever order the modules of the
   * application end, until {@link close} is done.
   *
   * @returns undoes it
   */
  holdOpen(dataSource: DataSource): () => void {
    const hadOwn = Object.hasOwn(dataSource, 'destroy');
    const destroy = dataSource.destroy.bind(dataSource);
    const held = async (): Promise<void> => {
      await this.close();
      await destroy();
    };
    dataSource.destroy = held;
    return () => {
      if (dataSource.destroy !== held) return;
      if (hadOwn) dataSource.destroy = destroy;
      else Reflect.deleteProperty(dataSource, 'destroy');
    };
  }

  async #drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#timeoutMs)));
    await Promise.race([Promise.all(this.#running), tooLong]);
    clearTimeout(timer);
  }
}
