import { Logger } from '@nestjs/common';

/**
 * Logs that the database cannot be reached: once for each outage, however many statements fail in it, and
 * once when it is over.
 */
export class OutageLog {
  readonly #logger = new Logger('RiverWorker');
  #failures = 0;
  #error: unknown;

  /** Why the database cannot be reached; undefined while it responds. */
  get error(): unknown {
    return this.#error;
  }

  /** A statement of the worker has failed, and will be sent again. */
  failed(what: string, error: unknown): void {
    this.#error = error;
    if (this.#failures++ > 0) return;
    this.#logger.error(
      `${what} failed, and is tried again until it succeeds; jobs under way go on: ${String(error)}`,
    );
  }

  /** A statement of the worker has succeeded. */
  succeeded(): void {
    if (this.#failures === 0) return;
    const statements = this.#failures === 1 ? '1 statement' : `${this.#failures} statements`;
    this.#failures = 0;
    this.#error = undefined;
    this.#logger.log(`The database responds again, after ${statements} had failed.`);
  }
}
