/** What a guard found. It has no stack: the place where the guard looked says nothing about the leak. */
export class GuardError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'GuardError';
    this.stack = `${this.name}: ${message}`;
  }
}

/**
 * Looks again and again until there is nothing left to see or the patience is over. Closing takes a
 * moment: the server learns of a closed connection later than the client that closed it.
 *
 * @template T
 * @param {number} patienceMs
 * @param {() => T[] | Promise<T[]>} look
 * @returns {Promise<T[]>} What is still there.
 */
export async function untilNone(patienceMs, look) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const left = await look();
    if (left.length === 0 || Date.now() >= end) return left;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
