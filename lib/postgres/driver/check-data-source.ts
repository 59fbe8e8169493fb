import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { describeValue } from '../../errors/describe-value.js';
import { reading } from '../../errors/reading.js';
import { completeClients } from './older-pg.js';
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
  requireVersion(dataSource);
  completeClients(dataSource);
  return dataSource;
}

/** `pg` does not say its version. Since 8.11 its module has these functions. */
function requireVersion({ driver }: DataSource): void {
  const { postgres = {} } = driver as { postgres?: object };
  if (!('defaults' in postgres) || 'escapeIdentifier' in postgres) return;
  const version = installedVersion();
  throw new RiverConfigurationError(
    `RiverModule: the data source uses pg ${version ?? 'in a version'} below 8.11, which is the first that ` +
      'is supported. Install a later one: npm install pg@8. If that is installed already, typeorm loads ' +
      'another copy: see `npm ls pg`.',
    { code: 'RIVER_PG_TOO_OLD', field: 'dataSource' },
  );
}

/** Of the copy that the application has, which TypeORM loads in most of them. */
function installedVersion(): string | undefined {
  try {
    const { version } = createRequire(join(process.cwd(), 'package.json'))('pg/package.json') as {
      readonly version?: unknown;
    };
    return /^8\.(\d|10)\.|^[1-7]\./.test(String(version)) ? `${String(version)},` : undefined;
  } catch {
    return undefined;
  }
}

/** The class of the clients that the data source's pool opens. */
function clientClassOf({ driver }: DataSource): unknown {
  const { master, postgres } = driver as {
    master?: { Client?: unknown };
    postgres?: { Client?: unknown };
  };
  return master?.Client ?? postgres?.Client;
}
