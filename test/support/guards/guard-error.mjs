/** What a guard found. It has no stack: the place where the guard looked says nothing about the leak. */
export class GuardError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'GuardError';
    this.stack = `${this.name}: ${message}`;
  }
}

/** Long, since a busy machine may take long to close. Tests of the guards shorten it. */
const PATIENCE_MS = Number(process.env['TEST_GUARD_PATIENCE_MS'] ?? 10_000);

/**
 * Looks again and again until there is nothing left to see or the patience is over. Closing takes a
 * moment: the server learns of a closed connection later than the client that closed it.
 *
 * @template T
 * @param {() => T[] | Promise<T[]>} look
 * @returns {Promise<T[]>} What is still there.
 */
export async function untilNone(look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = await look();
    if (left.length === 0 || Date.now() >= end) return left;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
