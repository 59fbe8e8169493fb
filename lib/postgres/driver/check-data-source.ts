import type { DataSource } from 'typeorm';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { describeValue } from '../../errors/describe-value.js';
import { reading } from '../../errors/reading.js';
import { isNative } from './pg-client.js';

/**
 * Refuses what is not a data source, not connected, not Postgres, or not on the driver `pg` itself.
 *
 * @param what how the error names it
 * @throws RiverConfigurationError
 */
export function checkDataSource(dataSource: DataSource | undefined, what: string): DataSource {
  if (dataSource === undefined || dataSource === null) {
    throw new RiverConfigurationError(
      `RiverModule: ${what} is not provided. Import TypeOrmModule.forRoot(...) with that name; or, ` +
        'for a DataSource provided by hand, make its module @Global() and export it; or give the ' +
        'object itself: RiverModule.forRoot({ dataSource }). If it is provided, the class DataSource of ' +
        'another installed copy of typeorm may be its token: see `npm ls typeorm`.',
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
  if (isNative(clientClassOf(dataSource))) {
    throw new RiverConfigurationError(
      `RiverModule: ${what} uses pg-native, which TypeORM uses when it is installed, and which has no ` +
        'COPY and decodes values itself. Uninstall pg-native; or keep TypeORM from it with the option ' +
        '`driver` of the data source: import pg from "pg", driver: { ...pg, native: undefined }. Unset ' +
        'NODE_PG_FORCE_NATIVE.',
      { code: 'RIVER_PG_NATIVE', field: 'dataSource' },
    );
  }
  return dataSource;
}

/** The class of the clients that the data source's pool opens. */
function clientClassOf({ driver }: DataSource): unknown {
  const { master, postgres } = driver as {
    master?: { Client?: unknown };
    postgres?: { Client?: unknown };
  };
  return master?.Client ?? postgres?.Client;
}
