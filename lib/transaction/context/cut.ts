import { clearTimeout, setTimeout } from '../../real-time.js';

/** Milliseconds within which the driver fails what was under way on a connection that was closed. */
const FAILED_AFTER_MS = 100;

/**
 * Closes the connection of a transaction that does not end by itself: a statement that goes on and
 * on, a server that fell silent, a subscriber that waits for something else.
 */
export class Cut {
  /** Milliseconds that a statement under way is given to end when its transaction is aborted. */
  static afterMs = 1_000;
  readonly #close: () => void;
  readonly #listeners: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(close: () => void) {
    this.#close = close;
  }

  /** Closes it after a second, unless {@link stop} comes first. */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#close();
      this.#timer = setTimeout(() => {
        for (const listener of this.#listeners) listener();
      }, FAILED_AFTER_MS);
    }, Cut.afterMs);
  }

  /** Calls `listener` when it is closed and nothing that waits for it can succeed any more. */
  onDone(listener: () => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
