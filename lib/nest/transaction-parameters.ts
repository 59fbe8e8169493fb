import type { EntityManager, QueryRunner } from 'typeorm';
import { NotInTransactionError } from '../errors/transaction-errors.js';
import { DEFAULT_RIVER_NAME } from '../tokens.js';
import { ambientTransactionNamed } from '../transaction/context/ambient-transaction.js';

/** What `@TransactionManager()` gives. */
export function managerOfTransaction(name: string | undefined): EntityManager {
  return ambientQueryRunner(name).manager;
}

/** What `@TransactionQueryRunner()` gives. */
export function queryRunnerOfTransaction(name: string | undefined): QueryRunner {
  const queryRunner = ambientQueryRunner(name);
  // In a test the manager may be of the application's data source, and the query runner in memory.
  return queryRunner.manager.queryRunner ?? queryRunner;
}

function ambientQueryRunner(name: string = DEFAULT_RIVER_NAME): QueryRunner {
  const transaction = ambientTransactionNamed(name);
  if (transaction !== undefined) return transaction.queryRunner;
  throw new NotInTransactionError(
    'A handler asks for its transaction by @TransactionManager() or @TransactionQueryRunner(), but is ' +
      'in none. Put @RiverTransactional() on it. On a field resolver of GraphQL, interceptors run only ' +
      "with `fieldResolverEnhancers: ['interceptors']`.",
  );
}

/** By these the parameters are recognised where Nest keeps them. */
export const TRANSACTION_PARAMETERS: ReadonlySet<unknown> = new Set([
  managerOfTransaction,
  queryRunnerOfTransaction,
]);
