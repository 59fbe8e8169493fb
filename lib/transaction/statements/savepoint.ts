import {
  TransactionAbortedError,
  TransactionRolledBackError,
  TransactionUnfinishedError,
} from '../../errors/transaction-error.js';
import { runInLevel } from '../context/ambient-transaction.js';
import { Cut } from '../context/cut.js';
import type { TransactionHooks } from '../context/transaction-hooks.js';
import { TransactionScope } from './transaction-scope.js';

let serial = 0;

/**
 * Runs `work` in a savepoint of `outer`. An error undoes what `work` did and is passed on; the
 * transaction around it stays usable, but fails if nobody waits for the answer.
 *
 * @param hooks where its hooks wait for the end: by default those of `outer`
 */
export function runInSavepoint<T>(
  outer: TransactionScope,
  work: () => Promise<T> | T,
  hooks: TransactionHooks = outer.hooks,
): Promise<T> {
  const inner = new TransactionScope(outer.shared, outer);
  const { send, dataSource, name } = outer.shared;
  const savepoint = `river_${(serial = (serial + 1) % 1_000_000_000)}`;
  const run = async (): Promise<T> => {
    await send(`SAVEPOINT ${savepoint}`);
    try {
      const result = await runInLevel({ dataSource, name, current: () => inner }, work);
      await inner.settle();
      inner.refuse();
      await send(`RELEASE SAVEPOINT ${savepoint}`).catch((error: unknown) => {
        // Either the connection broke, or a statement had failed and its error was swallowed.
        if (inner.firstFailure === undefined) throw error;
        throw new TransactionRolledBackError(inner.firstFailure);
      });
      inner.hooks.passTo(hooks);
      return result;
    } catch (error) {
      inner.refuseQuietly();
      await idleOrCut(inner, error);
      await send(`ROLLBACK TO SAVEPOINT ${savepoint}`).catch((failure: unknown) => {
        // The connection is broken, and so is the transaction around it.
        outer.firstFailure ??= failure;
      });
      inner.hooks.passRollbacksTo(hooks);
      throw error;
    }
  };
  return outer.follow('A nested transaction', () => outer.enqueueInner(inner, run));
}

/** Waits for statements under way. One that goes on after an abort is cut, and with it the transaction. */
async function idleOrCut(scope: TransactionScope, reason: unknown): Promise<void> {
  const cut = new Cut(() => scope.shared.watch.cut());
  const isAborted =
    reason instanceof TransactionAbortedError || reason instanceof TransactionUnfinishedError;
  if (isAborted) cut.soon();
  await scope.idle();
  cut.stop();
}
