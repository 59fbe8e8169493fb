import { setImmediate } from 'node:timers/promises';
import { GuardError } from './guard-error.mjs';

/** Jest itself runs on `vm.SourceTextModule`, which is experimental. */
const IGNORED = 'ExperimentalWarning';

/** Under this key of its global object a test file keeps what it allows. See `allowed-warnings.ts`. */
const ALLOWED = Symbol.for('nestjs-river.test.allowed-warnings');

/**
 * Collects the warnings of the process, such as MaxListenersExceededWarning for a listener that is
 * never removed, or the DeprecationWarning of a driver. Node prints them, and nothing fails.
 */
export class WarningGuard {
  #global;
  /** @type {Error[]} */
  #warnings = [];
  /** @param {Error} warning */
  #onWarning = (warning) => {
    const allowed = this.#global[ALLOWED] ?? [];
    if (warning.name === IGNORED || allowed.some((pattern) => pattern.test(warning.message)))
      return;
    this.#warnings.push(warning);
  };

  /** @param {object} global The global object of the test file. */
  constructor(global) {
    this.#global = /** @type {Record<symbol, RegExp[] | undefined>} */ (global);
  }

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
