import type { QueryRunner } from 'typeorm';
import { TransactionRolledBackError } from '../errors/transaction-errors.js';
import type { AmbientTransaction } from '../transaction/context/ambient-transaction.js';
import { settleForeign } from '../transaction/engine/foreign-guard.js';
import { TransactionScope } from '../transaction/statements/transaction-scope.js';
import type { MemoryClient } from './memory/memory-client.js';

/** What begins and ends the transactions of a query runner. */
export const ENDS = ['startTransaction', 'commitTransaction', 'rollbackTransaction'] as const;

/**
 * Waits for what was begun in a transaction in memory, so that the application's own is not committed
 * before it is known whether this one can be.
 *
 * @throws the error of a call that nobody awaited; TransactionRolledBackError after a failed statement
 */
export async function settle(scope: AmbientTransaction): Promise<void> {
  const isOurs = scope instanceof TransactionScope;
  if (isOurs) await scope.settle();
  refuseFailed(scope.queryRunner, isOurs ? scope.firstFailure : undefined);
}

/** Whatever begins or ends on the runner does so on its stand-in, until the transaction is over. */
export function follow(runner: QueryRunner, standIn: QueryRunner): void {
  const originals = ENDS.map(
    (name) => [name, Object.getOwnPropertyDescriptor(runner, name)] as const,
  );
  const restore = (): void => {
    for (const [name, descriptor] of originals) {
      if (descriptor === undefined) delete (runner as Partial<QueryRunner>)[name];
      else Object.defineProperty(runner, name, descriptor);
    }
  };
  for (const name of ENDS) {
    const original = runner[name].bind(runner) as (...args: unknown[]) => Promise<void>;
    const following = async (...args: unknown[]): Promise<void> => {
      if (name === 'commitTransaction') await settleStandIn(standIn);
      await original(...args);
      await standIn[name]();
      if (standIn.isTransactionActive) return;
      restore();
      await standIn.release();
    };
    Object.defineProperty(runner, name, { value: following, configurable: true, writable: true });
  }
}

async function settleStandIn(standIn: QueryRunner): Promise<void> {
  await settleForeign(standIn);
  refuseFailed(standIn, undefined);
}

function refuseFailed(queryRunner: QueryRunner, failure: unknown): void {
  const { databaseConnection: client } = queryRunner as { databaseConnection?: MemoryClient };
  if (client?.getTransactionStatus() === 'E') throw new TransactionRolledBackError(failure);
}
