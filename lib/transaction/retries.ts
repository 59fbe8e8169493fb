import { setTimeout as sleep } from 'node:timers/promises';
import { sqlStateOf } from '../errors/database-error.js';
import { TransactionEndedWithinError } from '../errors/transaction-error.js';

/** Runs a transaction again, in a new one each time, while others stand in its way. */
export async function withRetries<T>(retries: number, run: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= retries || !isWorthAnotherTry(error)) throw error;
      await sleep(Math.random() * Math.min(1_000, 10 * 2 ** attempt));
    }
  }
}

/**
 * A serialization failure or a deadlock, wherever in the chain of causes the driver put it, unless
 * part of the transaction may be stored.
 */
function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof TransactionEndedWithinError) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { driverError } = cause as { driverError?: unknown };
    const sqlState = sqlStateOf(driverError) ?? sqlStateOf(cause);
    if (sqlState !== undefined) return sqlState === '40001' || sqlState === '40P01';
  }
  return false;
}
