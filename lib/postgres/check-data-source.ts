import type { DataSource } from 'typeorm';
import { RiverConfigurationError } from '../errors/configuration-error.js';
import { describeValue } from '../errors/describe-value.js';
import { reading } from '../errors/reading.js';

/**
 * Refuses what is no data source, not connected, or not Postgres.
 *
 * @param what how the error names it
 * @throws RiverConfigurationError
 */
export function checkDataSource(dataSource: DataSource | undefined, what: string): DataSource {
  if (dataSource === undefined || dataSource === null) {
    throw new RiverConfigurationError(
      `RiverModule: ${what} is not provided. Import TypeOrmModule.forRoot(...) with that name; or, ` +
        'for a DataSource provided by hand, make its module @Global() and export it; or give the ' +
        'object itself: RiverModule.forRoot({ dataSource }).',
      { code: 'RIVER_DATA_SOURCE_MISSING', field: 'dataSource' },
    );
  }
  const notOne = (_rule?: string, cause?: unknown): RiverConfigurationError =>
    new RiverConfigurationError(
      `RiverModule: dataSource: must be a TypeORM DataSource or its name; got ${describeValue(dataSource)}.`,
      { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'dataSource', cause },
    );
  if (reading(notOne, () => typeof dataSource.createQueryRunner !== 'function')) throw notOne();
  if (dataSource.options.type !== 'postgres') {
    throw new RiverConfigurationError(
      `RiverModule: ${what} is of type '${dataSource.options.type}', but River's tables live in ` +
        "Postgres. Name a data source of type 'postgres' by the option `dataSource`.",
      { code: 'RIVER_DATA_SOURCE_NOT_POSTGRES', field: 'dataSource' },
    );
  }
  if (!dataSource.isInitialized) {
    throw new RiverConfigurationError(
      `RiverModule: ${what} is not connected. Provide it initialized: useFactory: () => ` +
        'new DataSource(options).initialize().',
      { code: 'RIVER_DATA_SOURCE_NOT_INITIALIZED', field: 'dataSource' },
    );
  }
  return dataSource;
}
