import { setImmediate } from 'node:timers/promises';

/**
 * Collects the rejections that nobody handled. Jest reports those which come before the test they
 * belong to is judged; one that comes later is kept for that test and never looked at again.
 */
export class RejectionGuard {
  /** @type {Map<Promise<unknown>, unknown>} */
  #rejected = new Map();
  /** @param {unknown} reason @param {Promise<unknown>} promise */
  #onRejected = (reason, promise) => void this.#rejected.set(promise, reason);
  /** @param {Promise<unknown>} promise */
  #onHandled = (promise) => void this.#rejected.delete(promise);

  start() {
    process.on('unhandledRejection', this.#onRejected);
    process.on('rejectionHandled', this.#onHandled);
  }

  stop() {
    process.off('unhandledRejection', this.#onRejected);
    process.off('rejectionHandled', this.#onHandled);
  }

  /**
   * @param {import('@jest/types').Circus.State} state
   * @returns {Promise<Error[]>} The rejections that no test and no hook of the file reports.
   */
  async afterFile(state) {
    // Node tells of a rejection only when the turn in which it happened is over.
    await setImmediate();
    const reported = new Set([
      ...reasons(state.unhandledErrors),
      ...reasonsOf(state.rootDescribeBlock),
    ]);
    return [...this.#rejected.values()].filter((reason) => !reported.has(reason)).map(asError);
  }
}

/**
 * @param {import('@jest/types').Circus.DescribeBlock} block
 * @returns {unknown[]} The errors of all tests in the block.
 */
function reasonsOf(block) {
  return block.children.flatMap((child) =>
    child.type === 'test' ? reasons(child.errors) : reasonsOf(child),
  );
}

/** @param {unknown[]} errors Jest keeps some with a second error that says where they were raised. */
function reasons(errors) {
  return errors.map((error) => (Array.isArray(error) ? error[0] : error));
}

/** @param {unknown} reason */
function asError(reason) {
  // An error of a test file is of another realm, where `instanceof Error` does not hold.
  const isError =
    typeof reason === 'object' && reason !== null && 'stack' in reason && 'message' in reason;
  const text = isError ? String(reason.stack) : String(reason);
  const error = new Error(`A promise was rejected and nobody handled it: ${text}`);
  error.stack = error.message;
  return error;
}
