const TIDY_EVERY = 500;

/** @typedef {NodeJS.Timeout & { readonly _destroyed: boolean }} Timer */

/**
 * Keeps the timers that a test file starts. Node counts the timers of the process but does not say
 * whose they are, and when Jest runs files in its own process its timers come and go among them.
 */
export class TimerRecord {
  /** @type {Set<Timer>} */
  #timers = new Set();

  /** @param {typeof globalThis} global The global object of the test file. */
  constructor(global) {
    global.setTimeout = this.#recording(global.setTimeout);
    global.setInterval = this.#recording(global.setInterval);
  }

  /** How many timers have still to fire and keep the process alive until then. */
  get active() {
    this.#tidy();
    return this.#timers.size;
  }

  /**
   * @template {typeof setTimeout | typeof setInterval} Start
   * @param {Start} start
   * @returns {Start} The same function with the same properties, which `util.promisify` reads.
   */
  #recording(start) {
    /** @param {unknown[]} args */
    const record = (...args) => {
      const timer = Reflect.apply(start, undefined, args);
      this.#timers.add(timer);
      if (this.#timers.size % TIDY_EVERY === 0) this.#tidy();
      return timer;
    };
    return Object.assign(record, start);
  }

  /** Node marks a timer that has fired or was cleared, with a property it does not document. */
  #tidy() {
    for (const timer of this.#timers) {
      if (timer._destroyed || !timer.hasRef()) this.#timers.delete(timer);
    }
  }
}
