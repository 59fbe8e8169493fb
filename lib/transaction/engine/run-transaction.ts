import type { DataSource } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  TransactionEndedWithinError,
  TransactionUnfinishedError,
} from '../../errors/transaction-errors.js';
import { Abort } from '../context/abort.js';
import { holderOf, runInLevel } from '../context/ambient-transaction.js';
import { beginTransaction } from './begin-transaction.js';
import { Cut } from '../context/cut.js';
import { runInHeld } from './held-transaction.js';
import { OpenTransaction } from './open-transaction.js';
import type { TransactionAttempt } from './begin-transaction.js';
import type { TransactionOutcome } from '../context/transaction-hooks.js';

/** Runs work in a transaction of its own: begin, work, end, give back the connection, hooks. */
export async function runTransaction<T>(
  dataSource: DataSource,
  attempt: TransactionAttempt<T>,
): Promise<T> {
  const { options, activeWork } = attempt;
  const abort = new Abort(options, activeWork);
  try {
    abort.throwIfAborted();
    const queryRunner = dataSource.createQueryRunner('master');
    if (queryRunner.isTransactionActive) return await runInHeld(queryRunner, dataSource, attempt);
    const unlink = abortWithHolder(abort, holderOf(dataSource)?.abort);
    const begun = await beginTransaction(queryRunner, options, abort);
    const transaction = new OpenTransaction(begun, { ...attempt, dataSource, queryRunner, abort });
    unlink?.();
    return await runInOpen(transaction, { ...attempt, abort });
  } finally {
    abort.stop();
  }
}

/** Until it has begun, a transaction of its own is aborted with the one that it was asked for in. */
function abortWithHolder(abort: Abort, holder: Abort | undefined): (() => void) | undefined {
  if (holder === undefined || holder.reason !== undefined) return undefined;
  return holder.onAbort((reason) =>
    abort.abort('the transaction around it was aborted before this one had begun', reason),
  );
}

async function runInOpen<T>(
  transaction: OpenTransaction,
  {
    name,
    work,
    reportHookError,
    hookTimeoutMs,
    abort,
  }: TransactionAttempt<T> & { readonly abort: Abort },
): Promise<T> {
  const { scope } = transaction;
  const { dataSource, queryRunner, watch } = scope.session;
  const cut = new Cut(() => transaction.cut());
  let outcome: TransactionOutcome = 'rollback';
  try {
    const level = { dataSource, name, current: () => scope, holder: transaction };
    const working = async (): Promise<T> => {
      const value = await runInLevel(level, () => work(queryRunner.manager));
      if (abort.reason === undefined) await transaction.settle();
      return value;
    };
    const result = await abort.unlessFirst(working());
    await commit(transaction, { abort, cut, reportHookError });
    outcome = 'commit';
    return result;
  } catch (error) {
    if (error instanceof TransactionUnfinishedError) cut.soon();
    await rollback(transaction, { abort, cut });
    const { endedWithin } = watch;
    if (error instanceof CommitOutcomeUnknownError) outcome = 'unknown';
    if (endedWithin !== undefined && endedWithin.command !== 'ROLLBACK') outcome = 'unknown';
    // Part of the work may be stored, and its own error does not say so.
    if (endedWithin !== undefined && endedWithin !== error) {
      throw new TransactionEndedWithinError(endedWithin.command, error);
    }
    throw error;
  } finally {
    abort.stop();
    cut.stop();
    await transaction.release();
    if (!scope.hooks.isEmpty) await scope.hooks.run(outcome, reportHookError, hookTimeoutMs);
  }
}

interface End {
  readonly abort: Abort;
  readonly cut: Cut;
}

/** Until the COMMIT is sent an abort rolls back; from then on it closes a connection that is silent. */
function commit(
  transaction: OpenTransaction,
  { abort, cut, reportHookError }: End & Pick<TransactionAttempt<unknown>, 'reportHookError'>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    abort.onAbort((reason) => {
      if (transaction.isCommitSent) cut.soon();
      else reject(reason);
    });
    cut.onDone(() => {
      if (transaction.isCommitted) resolve();
      else reject(transaction.outcomeUnknown(abort.reason));
    });
    if (abort.reason === undefined) transaction.commit(reportHookError).then(resolve, reject);
  });
}

/** With its connection closed, nothing of it can be stored any more, whatever it still waits for. */
function rollback(transaction: OpenTransaction, { abort, cut }: End): Promise<void> {
  return new Promise((resolve) => {
    abort.onAbort(() => cut.soon());
    cut.onDone(resolve);
    void transaction.rollback().then(resolve);
  });
}
