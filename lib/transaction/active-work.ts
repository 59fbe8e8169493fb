import type { DataSource } from 'typeorm';
import { ShuttingDownError } from '../errors/transaction-error.js';
import { defineOwn } from './define-own.js';

const DEFAULT_TIMEOUT_MS = 10_000;

/** Milliseconds to wait for transactions that are given up: they cut statements after one second. */
const GIVING_UP_MS = 2_000;

/** What keeps one data source open, for all clients on it. */
class Hold {
  readonly works = new Set<ActiveWork>();
  readonly undo: () => void;

  constructor(dataSource: DataSource) {
    const destroy = dataSource.destroy.bind(dataSource);
    const value = async (): Promise<void> => {
      await Promise.all([...this.works].map((work) => work.close()));
      await destroy();
    };
    this.undo = defineOwn(dataSource, 'destroy', { value, writable: true });
  }
}

const holds = new WeakMap<DataSource, Hold>();

/** What a client has under way, so that the end of the application can wait for it. */
export class ActiveWork {
  readonly #running = new Set<Promise<unknown>>();
  readonly #timeoutMs: number;
  readonly #whenGivenUp = new Set<(reason: Error) => void>();
  #isGivenUp = false;
  #closed: Promise<void> | undefined;

  /** @param timeoutMs how long {@link close} waits at most; default 10 seconds */
  constructor(timeoutMs: number = DEFAULT_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Calls `tell` when {@link close} does not wait any longer, so that transactions are rolled back.
   *
   * @returns undoes it
   */
  whenGivenUp(tell: (reason: Error) => void): () => void {
    if (this.#isGivenUp) tell(new ShuttingDownError());
    this.#whenGivenUp.add(tell);
    return () => void this.#whenGivenUp.delete(tell);
  }

  /** Something that belongs to work under way, so that it is waited for, too, also while closing. */
  follow(work: Promise<unknown>): void {
    const leave = (): void => void this.#running.delete(ended);
    const ended = work.then(leave, leave);
    this.#running.add(ended);
  }

  /** @throws ShuttingDownError once it is closed */
  run<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new ShuttingDownError());
    const work = begin();
    this.follow(work);
    return work;
  }

  /** Refuses what is new, waits for what is under way, and rolls back what does not end in time. */
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
    let hold = holds.get(dataSource);
    if (hold === undefined) holds.set(dataSource, (hold = new Hold(dataSource)));
    hold.works.add(this);
    return () => {
      hold.works.delete(this);
      if (hold.works.size > 0) return;
      hold.undo();
      holds.delete(dataSource);
    };
  }

  /** What is under way may leave something behind that is to be waited for, too. */
  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #drain(): Promise<void> {
    if (await this.#isIdleWithin(this.#timeoutMs)) return;
    this.#isGivenUp = true;
    for (const tell of this.#whenGivenUp) tell(new ShuttingDownError());
    await this.#isIdleWithin(GIVING_UP_MS);
  }

  async #isIdleWithin(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), limitMs);
    });
    const isIdle = await Promise.race([this.#idle().then(() => true), tooLong]);
    clearTimeout(timer);
    return isIdle;
  }
}
