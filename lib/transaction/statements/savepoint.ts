import {
  TransactionAbortedError,
  TransactionRolledBackError,
  TransactionUnfinishedError,
} from '../../errors/transaction-errors.js';
import { runInLevel, type AmbientTransaction } from '../context/ambient-transaction.js';
import { Cut } from '../context/cut.js';
import type { TransactionHooks } from '../context/transaction-hooks.js';
import type { Session } from './session.js';

/** What a savepoint needs of the scope that it is, and of the one around it. */
interface SavepointScope extends AmbientTransaction {
  readonly session: Session;
  readonly hooks: TransactionHooks;
  firstFailure: unknown;
  settle(): Promise<void>;
  refuse(): void;
  refuseQuietly(): void;
  idle(): Promise<void>;
}

let serial = 0;

/**
 * Runs `work` in a savepoint, when its scope owns the connection. An error undoes what `work` did and
 * is passed on; the transaction around it stays usable, but fails if nobody awaits the promise.
 *
 * @param hooks where its hooks wait for the end
 */
export async function runInSavepoint<T>(
  scope: SavepointScope,
  { outer, hooks }: { readonly outer: SavepointScope; readonly hooks: TransactionHooks },
  work: () => Promise<T> | T,
): Promise<T> {
  const { session } = scope;
  const { dataSource, name } = session;
  const savepoint = `river_${(serial = (serial + 1) % 1_000_000_000)}`;
  await session.savepoint(`SAVEPOINT ${savepoint}`);
  try {
    const result = await runInLevel({ dataSource, name, current: () => scope }, work);
    await scope.settle();
    scope.refuse();
    await session.savepoint(`RELEASE SAVEPOINT ${savepoint}`).catch((error: unknown) => {
      // Either the connection broke, or a statement had failed and its error was swallowed.
      if (scope.firstFailure === undefined) throw error;
      throw new TransactionRolledBackError(scope.firstFailure);
    });
    scope.hooks.passTo(hooks);
    return result;
  } catch (error) {
    scope.refuseQuietly();
    await idleOrCut(scope, error);
    await session.savepoint(`ROLLBACK TO SAVEPOINT ${savepoint}`).catch((failure: unknown) => {
      // The connection is broken, and so is the transaction around it.
      outer.firstFailure ??= failure;
    });
    scope.hooks.passRollbacksTo(hooks);
    throw error;
  }
}

/** Waits for statements under way. One that goes on after an abort is cut, and with it the transaction. */
async function idleOrCut(scope: SavepointScope, reason: unknown): Promise<void> {
  const cut = new Cut(() => scope.session.cut());
  const isAborted =
    reason instanceof TransactionAbortedError || reason instanceof TransactionUnfinishedError;
  if (isAborted) cut.soon();
  await scope.idle();
  cut.stop();
}
