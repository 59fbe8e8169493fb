import { clearTimeout, setTimeout } from '../../real-time.js';

/** Milliseconds after the limit until connections that are still in use are closed. */
const CUT_AFTER_MS = 1_000;

/** Milliseconds after that until nothing is waited for any longer. */
const STOP_AFTER_MS = 1_000;

/** What happens to the work under way when the time limit of an end is reached. */
export interface ShutdownStages {
  /** The limit is reached: transactions roll back. */
  abort(): void;
  /** Some do not: their connections are closed. */
  cut(): void;
}

/** The time limit of the end of an application or of a data source. Counts from its creation on. */
export class ShutdownClock {
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #resolve: () => void = () => undefined;
  /** Resolves when nothing is to be waited for any longer. */
  readonly hasStopped = new Promise<void>((resolve) => (this.#resolve = resolve));

  constructor(timeoutMs: number, stages: ShutdownStages) {
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#timer = setTimeout(() => {
        this.#timer = setTimeout(this.#resolve, STOP_AFTER_MS);
        stages.cut();
      }, CUT_AFTER_MS);
      stages.abort();
    }, timeoutMs);
  }

  /** Whether the limit has been reached. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Everything has ended in time. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
