import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { TransactionSource } from '../transaction/context/ambient-transaction.js';
import { dataSourceOf } from '../transaction/explicit-transaction.js';

/** Which of the application's connections is meant. */
export interface NestjsClsOptions {
  /** As given to `ClsPluginTransactional`. Default: the one that has no name. */
  readonly connectionName?: string | undefined;
}

/**
 * Lets inserts join the transaction of `@Transactional()` and `TransactionHost.withTransaction` of
 * `@nestjs-cls/transactional` with `TransactionalAdapterTypeOrm`. What it opened on another data
 * source is not joined.
 *
 * @example RiverModule.forRoot({ transactionSource: nestjsClsTransactions() })
 */
export function nestjsClsTransactions({
  connectionName,
}: NestjsClsOptions = {}): TransactionSource {
  return (dataSource) => {
    const host = TransactionHost.getInstance<TransactionalAdapterTypeOrm>(connectionName);
    if (!host.isTransactionActive()) return undefined;
    const { queryRunner } = host.tx;
    return queryRunner && dataSourceOf(queryRunner) === dataSource ? queryRunner : undefined;
  };
}
