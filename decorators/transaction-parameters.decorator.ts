import { createParamDecorator } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { NotInTransactionError } from '../lib/errors/transaction-error.js';
import { DEFAULT_RIVER_NAME } from '../lib/tokens.js';
import { ambientTransactionNamed } from '../lib/transaction/ambient-transaction.js';

/**
 * Parameter of a handler: the EntityManager of its transaction.
 *
 * @param name of the client whose transaction is meant
 * @throws NotInTransactionError when the handler is not in one
 */
export const TransactionManager = createParamDecorator(
  (name: string | undefined) => queryRunnerOf(name).manager,
);

/** Parameter of a handler: the QueryRunner of its transaction; else as {@link TransactionManager}. */
export const TransactionQueryRunner = createParamDecorator((name: string | undefined) =>
  queryRunnerOf(name),
);

function queryRunnerOf(name: string = DEFAULT_RIVER_NAME): QueryRunner {
  const transaction = ambientTransactionNamed(name);
  if (transaction !== undefined) return transaction.queryRunner;
  throw new NotInTransactionError(
    'A handler asks for its transaction by @TransactionManager() or @TransactionQueryRunner(), but is ' +
      'in none. Put @RiverTransactional() on it.',
  );
}
