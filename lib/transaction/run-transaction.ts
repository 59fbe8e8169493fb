import type { DataSource } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  TransactionEndedWithinError,
  TransactionUnfinishedError,
} from '../errors/transaction-error.js';
import { Abort } from './abort.js';
import { runInLevel } from './ambient-transaction.js';
import { runInHeld } from './held-transaction.js';
import { OpenTransaction } from './open-transaction.js';
import { promised } from './promised.js';
import type { TransactionAttempt } from './transaction-attempt.js';
import type { TransactionOutcome } from './transaction-hooks.js';

/** Milliseconds that a statement under way is given to end when its transaction is given up. */
const CUT_AFTER_MS = 1_000;

/** Runs work in a transaction of its own: begin, work, end, give back the connection, hooks. */
export async function runTransaction<T>(
  dataSource: DataSource,
  attempt: TransactionAttempt<T>,
): Promise<T> {
  const { name, options, work, reportHookError, activeWork } = attempt;
  const queryRunner = dataSource.createQueryRunner('master');
  if (queryRunner.isTransactionActive) return await runInHeld(queryRunner, dataSource, attempt);
  const transaction = await OpenTransaction.begin(dataSource, queryRunner, attempt);
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
