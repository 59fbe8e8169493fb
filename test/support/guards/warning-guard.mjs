import { setImmediate } from 'node:timers/promises';
import { GuardError } from './guard-error.mjs';

/** Jest itself runs on `vm.SourceTextModule`, which is experimental. */
const IGNORED = 'ExperimentalWarning';

/**
 * Collects the warnings of the process, such as MaxListenersExceededWarning for a listener that is
 * never removed, or the DeprecationWarning of a driver. Node prints them, and nothing fails.
 */
export class WarningGuard {
  /** @type {Error[]} */
  #warnings = [];
  /** @param {Error} warning */
  #onWarning = (warning) => {
    if (warning.name !== IGNORED) this.#warnings.push(warning);
  };

  start() {
    process.on('warning', this.#onWarning);
  }

  stop() {
    process.off('warning', this.#onWarning);
  }

  /** @returns {Promise<GuardError[]>} The warnings since the last call. */
  async take() {
    // Node emits a warning in a later tick than the one that causes it.
    await setImmediate();
    return this.#warnings
      .splice(0)
      .map(
        ({ name, message, stack }) =>
          new GuardError(`The process emitted a warning, ${stack ?? `${name}: ${message}`}`),
      );
  }
}
