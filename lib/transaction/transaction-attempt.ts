import type { EntityManager } from 'typeorm';
import type { ActiveWork } from './active-work.js';
import type { RiverTransactionOptions } from './transaction-options.js';

/** One attempt of a transaction. */
export interface TransactionAttempt<T> {
  readonly name: string;
  readonly options: RiverTransactionOptions;
  readonly work: (manager: EntityManager) => Promise<T> | T;
  readonly reportHookError: (error: unknown) => void;
  readonly hookTimeoutMs?: number | undefined;
  /** Gives it up when the application does not wait any longer. */
  readonly activeWork: ActiveWork;
}
