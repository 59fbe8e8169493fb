import { driverErrorOf, sqlStateOf } from '../../errors/database-errors.js';
import { TransactionEndedWithinError } from '../../errors/transaction-errors.js';
import { sleep } from '../../real-time.js';

/** The longest pause before the next attempt, in milliseconds. */
const MAX_PAUSE_MS = 1_000;

/**
 * Runs a transaction again, in a new one each time, while it conflicts with others.
 *
 * @param pause waits before the next attempt; ends early when `signal` is aborted
 */
export async function withRetries<T>(
  { retries, signal }: { readonly retries: number; readonly signal?: AbortSignal | undefined },
  run: () => Promise<T>,
  pause = (ms: number): Promise<unknown> => sleep(ms, signal),
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= retries || !isWorthAnotherTry(error)) throw error;
    }
    // The next attempt reports that the signal was aborted.
    await pause(Math.random() * Math.min(MAX_PAUSE_MS, 10 * 2 ** attempt)).catch(() => undefined);
  }
}

/**
 * A serialization failure or a deadlock, wherever in the chain of causes the driver put it, unless
 * part of the transaction may be stored.
 */
function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof TransactionEndedWithinError) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const sqlState = sqlStateOf(driverErrorOf(cause));
    if (sqlState !== undefined) return sqlState === '40001' || sqlState === '40P01';
  }
  return false;
}
