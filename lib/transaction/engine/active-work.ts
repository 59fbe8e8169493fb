import { DEFAULT_OPTIONS } from '../../default-options.js';
import { ShuttingDownError } from '../../errors/transaction-errors.js';
import { beforeSettled } from '../statements/promised.js';
import { ShutdownClock } from './shutdown-clock.js';

/** A part of a client that has something to finish before its connections close. */
export interface Closable {
  /** Finishes what is pending, and gives up what nobody should wait for. */
  close(reason: Error): Promise<void>;
  /** The data source has been initialized again. */
  reopen(): void;
}

/** Whether statements can be sent. */
export interface Gate {
  readonly isOpen: boolean;
}

/**
 * The work of one client that is under way, so that the end of the application, or of the data
 * source alone, can wait for it. A data source that is initialized again opens it again.
 */
export class ActiveWork {
  readonly #running = new Set<Promise<unknown>>();
  readonly #timeoutMs: number;
  readonly #parts: Closable[] = [];
  readonly #abortListeners = new Set<(reason: Error) => void>();
  readonly #drains = new Set<() => Promise<void>>();
  readonly #whenCut = new Set<(reason: Error) => void>();
  #gate: Gate | undefined;
  #clock: ShutdownClock | undefined;
  #closed: Promise<void> | undefined;
  #isShuttingDown = false;
  #hasShutDown = false;

  /** @param timeoutMs how long it waits at most, see {@link startClock} */
  constructor(timeoutMs: number = DEFAULT_OPTIONS.shutdownTimeoutMs) {
    this.#timeoutMs = timeoutMs;
  }

  /** Adds a part that is closed before the connections are. */
  add(part: Closable): void {
    this.#parts.push(part);
  }

  /**
   * Calls `tell` when the time limit of the end is reached, so that transactions are rolled back.
   *
   * @returns undoes it
   */
  onAbort(tell: (reason: Error) => void): () => void {
    if (this.#clock?.isOver) tell(this.#reason());
    this.#abortListeners.add(tell);
    return () => void this.#abortListeners.delete(tell);
  }

  /**
   * Calls `tell` some time after {@link onAbort}, when a connection that is still in use must be
   * closed.
   *
   * @returns undoes it
   */
  whenCut(tell: (reason: Error) => void): () => void {
    this.#whenCut.add(tell);
    return () => void this.#whenCut.delete(tell);
  }

  /** Something that belongs to work under way, so that it is waited for, too, also while closing. */
  follow(work: Promise<unknown>): void {
    const leave = (): void => void this.#running.delete(ended);
    const ended = work.then(leave, leave);
    this.#running.add(ended);
  }

  /** @throws ShuttingDownError once it is closed */
  run<T>(begin: () => Promise<T>): Promise<T> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const work = begin();
    let end = (): void => undefined;
    this.follow(new Promise<void>((resolve) => (end = resolve)));
    return beforeSettled(work, end);
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Whether something new would be rejected. */
  get isClosed(): boolean {
    return this.#refusal() !== undefined;
  }

  /**
   * The application has begun to shut down: from here on the time limit counts. Requests under way
   * are still served, so they may still begin something, until the limit is reached.
   */
  startClock(): void {
    this.#isShuttingDown = true;
    this.#clock ??= this.#newClock();
  }

  /**
   * The application has begun to shut down: as {@link startClock}, but when the drains have ended.
   *
   * @returns when they have
   */
  async beginShutdown(): Promise<void> {
    await Promise.all(Array.from(this.#drains, (drain) => drain()));
    this.startClock();
  }

  /**
   * Adds something that takes in nothing more once the application shuts down, has a time limit of its own,
   * and may still begin transactions until then: a worker.
   *
   * @returns undoes it
   */
  drainFirst(drain: () => Promise<void>): () => void {
    this.#drains.add(drain);
    return () => void this.#drains.delete(drain);
  }

  /** Waits for work that belongs to the shutdown, but not for longer than the shutdown takes. */
  async unlessStopped(work: Promise<unknown>): Promise<void> {
    const hasStarted = this.#clock !== undefined;
    this.startClock();
    await Promise.race([work, this.#clock?.hasStopped]);
    // Without Nest's shutdown nothing else stops it, and its timer would keep the process alive.
    if (hasStarted) return;
    this.#clock?.stop();
    this.#clock = undefined;
  }

  /** The servers of the application have closed: {@link close}, for good. */
  async shutDown(): Promise<void> {
    this.startClock();
    this.#hasShutDown = true;
    await this.close();
    // It may have been closed before, by the end of the data source.
    this.#clock?.stop();
  }

  /** Rejects what is new, waits for what is under way, and rolls back what does not end in time. */
  close(): Promise<void> {
    return (this.#closed ??= this.#drain());
  }

  /**
   * Rejects what is new while the database behind `gate` is not open.
   *
   * @returns undoes it
   */
  openWith(gate: Gate): () => void {
    this.#gate = gate;
    return () => {
      this.#gate = undefined;
    };
  }

  /** Why nothing new may begin. */
  #refusal(): ShuttingDownError | undefined {
    if (this.#hasShutDown || this.#clock?.isOver) return this.#reason();
    if (this.#gate?.isOpen === false) return this.#reason();
    if (this.#closed !== undefined) this.#reopen();
    return undefined;
  }

  #reason(): ShuttingDownError {
    return this.#isShuttingDown ? new ShuttingDownError() : new ShuttingDownError('data source');
  }

  #newClock(): ShutdownClock {
    return new ShutdownClock(this.#timeoutMs, {
      abort: () => {
        for (const tell of [...this.#abortListeners]) tell(this.#reason());
      },
      cut: () => {
        for (const tell of [...this.#whenCut]) tell(this.#reason());
      },
    });
  }

  #reopen(): void {
    this.#closed = undefined;
    for (const part of this.#parts) part.reopen();
  }

  /** What is under way may leave something behind that is to be waited for, too. */
  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #drain(): Promise<void> {
    this.#clock ??= this.#newClock();
    const parts = this.#parts.map((part) => part.close(this.#reason()));
    await Promise.race([Promise.all(parts).then(() => this.#idle()), this.#clock.hasStopped]);
    this.#clock.stop();
    if (!this.#isShuttingDown) this.#clock = undefined;
  }
}
