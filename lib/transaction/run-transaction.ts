import type { DataSource, EntityManager } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  TransactionEndedWithinError,
  TransactionUnfinishedError,
} from '../errors/transaction-error.js';
import { Abort } from './abort.js';
import type { ActiveWork } from './active-work.js';
import { runInLevel } from './ambient-transaction.js';
import { OpenTransaction } from './open-transaction.js';
import { promised } from './promised.js';
import type { TransactionOutcome } from './transaction-hooks.js';
import type { RiverTransactionOptions } from './transaction-options.js';

/** Milliseconds that a statement under way is given to end when its transaction is given up. */
const CUT_AFTER_MS = 1_000;

/** One attempt of a transaction. */
export interface TransactionAttempt<T> {
  readonly name: string;
  readonly options: RiverTransactionOptions;
  readonly work: (manager: EntityManager) => Promise<T> | T;
  readonly reportHookError: (error: unknown) => void;
  /** Gives it up when the application does not wait any longer. */
  readonly activeWork: ActiveWork;
}

/** Runs work in a transaction of its own: begin, work, end, give back the connection, hooks. */
export async function runTransaction<T>(
  dataSource: DataSource,
  { name, options, work, reportHookError, activeWork }: TransactionAttempt<T>,
): Promise<T> {
  const transaction = await OpenTransaction.begin(dataSource, name, options);
  const { scope } = transaction;
  const { manager } = scope.queryRunner;
  const abort = new Abort(options, activeWork);
  let outcome: TransactionOutcome = 'rollback';
  // A statement that goes on and on, or a server that fell silent, would keep it from ending.
  let cut: NodeJS.Timeout | undefined;
  const cutSoon = (): void => void (cut ??= setTimeout(() => transaction.cut(), CUT_AFTER_MS));
  try {
    const working = runInLevel({ dataSource, name, current: () => scope }, () =>
      promised(() => work(manager)),
    );
    const result = await abort.unlessFirst(
      working.then((answer) => (abort.isRaised ? answer : transaction.settle().then(() => answer))),
    );
    abort.leaveLimits();
    abort.whenRaised(cutSoon);
    await transaction.commit(reportHookError);
    outcome = 'commit';
    return result;
  } catch (error) {
    if (error instanceof TransactionUnfinishedError) cutSoon();
    abort.whenRaised(cutSoon);
    await transaction.rollback();
    const { endedWithin } = scope.shared.watch;
    if (error instanceof CommitOutcomeUnknownError) outcome = 'unknown';
    if (endedWithin !== undefined && endedWithin.command !== 'ROLLBACK') outcome = 'unknown';
    // Part of the work may be stored, and its own error does not say so.
    if (endedWithin !== undefined && endedWithin !== error) {
      throw new TransactionEndedWithinError(endedWithin.command, error);
    }
    throw error;
  } finally {
    abort.stop();
    clearTimeout(cut);
    await transaction.release();
    if (!scope.hooks.isEmpty) await scope.hooks.run(outcome, reportHookError);
  }
}
