import { createParamDecorator } from '@nestjs/common';
import {
  managerOfTransaction,
  queryRunnerOfTransaction,
} from '../lib/nest/transaction-parameters.js';

/**
 * Parameter of a handler: the EntityManager of its transaction.
 *
 * @param name of the client whose transaction is meant
 * @throws NotInTransactionError when the handler is not in one
 * @throws RiverConfigurationError at start-up, on a method that is no handler
 */
export const TransactionManager: (name?: string) => ParameterDecorator =
  createParamDecorator(managerOfTransaction);

/** Parameter of a handler: the QueryRunner of its transaction; else as {@link TransactionManager}. */
export const TransactionQueryRunner: (name?: string) => ParameterDecorator =
  createParamDecorator(queryRunnerOfTransaction);
