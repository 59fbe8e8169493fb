import { RiverConfigurationError } from '../errors/setup-errors.js';
import type { TransactionSource } from '../transaction/context/ambient-transaction.js';

/**
 * Lets inserts join the transaction of `@Transactional()` and `runInTransaction` of
 * `typeorm-transactional`, on a data source that was given to `addTransactionalDataSource`.
 *
 * @example RiverModule.forRoot({ transactionSource: typeormTransactionalTransactions() })
 * @throws RiverConfigurationError at an insert, when the data source was not given, or with `patch: false`
 */
export function typeormTransactionalTransactions(): TransactionSource {
  return (dataSource) => {
    // On a data source that it knows, the manager is the one of the running transaction.
    const own = Object.getOwnPropertyDescriptor(dataSource, 'manager');
    if (own?.get === undefined) throw notAdded();
    const { queryRunner } = dataSource.manager;
    return queryRunner?.isTransactionActive ? queryRunner : undefined;
  };
}

function notAdded(): RiverConfigurationError {
  return new RiverConfigurationError(
    'transactionSource: typeorm-transactional does not know this data source, so its transactions ' +
      'cannot be joined. Call addTransactionalDataSource(dataSource), without `patch: false`.',
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'transactionSource' },
  );
}
