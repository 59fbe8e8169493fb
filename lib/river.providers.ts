import { Logger, type Provider } from '@nestjs/common';
import { APP_INTERCEPTOR, ModulesContainer } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { resolveOptions, type ResolvedOptions } from './client/options/resolved-options.js';
import { RiverClient } from './client/river-client.js';
import { nameText } from './errors/name-text.js';
import { checkDataSource } from './postgres/driver/check-data-source.js';
import { checkEntityNames } from './postgres/rows/entity-names.js';
import { checkPooler } from './postgres/connection/check-pooler.js';
import { checkSchema } from './postgres/connection/check-schema.js';
import { PoolConnection } from './postgres/connection/pool-connection.js';
import { warnOfSilence } from './postgres/connection/driver-limits.js';
import { SchemaName } from './postgres/connection/schema-name.js';
import type { RiverModuleExtras } from './river.module-options.js';
import {
  DEFAULT_RIVER_NAME,
  getRiverClientToken,
  getRiverRuntimeToken,
  getRiverTransactionToken,
} from './tokens.js';
import { ActiveWork } from './transaction/engine/active-work.js';
import { DataSourceJoin } from './data-source/data-source-join.js';
import { OtherTransactions } from './nest/other-transactions.js';
import { onFirstShutdownHook } from './nest/first-shutdown-hook.js';
import { RequestTransactionInterceptor } from './nest/request-transaction.interceptor.js';
import { RiverTransaction } from './transaction/river-transaction.js';

/**
 * The token of the options is the module's own, and not exported: several modules in one
 * application do not see each other's.
 */
export const RIVER_MODULE_OPTIONS = Symbol('nestjs-river.RiverModuleOptions');
/** The name of the module's client, inside the module. */
export const RIVER_NAME = Symbol('nestjs-river.name');
const RIVER_DATA_SOURCE = Symbol('nestjs-river.DataSource');
const RIVER_ACTIVE_WORK = Symbol('nestjs-river.ActiveWork');
const RIVER_DATA_SOURCE_JOIN = Symbol('nestjs-river.DataSourceJoin');
const RIVER_OTHER_TRANSACTIONS = Symbol('nestjs-river.OtherTransactions');

/** The options with every default; nothing but their provider sees those that were given. */
const RIVER_OPTIONS = Symbol('nestjs-river.ResolvedOptions');

/** What a worker needs of the client whose jobs it works. */
export interface RiverRuntime {
  /** Whether there is a database whose jobs can be worked. */
  readonly hasDatabase: boolean;
  readonly dataSource: DataSource;
  readonly options: ResolvedOptions;
  readonly activeWork: ActiveWork;
  readonly client: RiverClient;
  readonly transaction: RiverTransaction;
}

/** Makes what the providers of a module are; `nestjs-river/testing` makes them without a database. */
export interface RiverParts {
  readonly hasDatabase: boolean;
  /**
   * The options with every default.
   *
   * @throws RiverConfigurationError naming the option and its rule
   */
  options(given: unknown): ResolvedOptions;
  /**
   * The data source that was found, with River's tables in it.
   *
   * @param what how an error names it
   */
  dataSource(
    found: DataSource | undefined,
    what: string,
    options: ResolvedOptions,
  ): DataSource | Promise<DataSource>;
  client(dataSource: DataSource, options: ResolvedOptions, activeWork: ActiveWork): RiverClient;
  transaction(...args: ConstructorParameters<typeof RiverTransaction>): RiverTransaction;
}

/** By this token tests replace the parts of all clients of an application. */
export const RIVER_PARTS = Symbol.for('nestjs-river.RiverParts');

const PARTS: RiverParts = {
  hasDatabase: true,
  options: resolveOptions,
  dataSource: readyDataSource,
  client: (...args) => new RiverClient(...args),
  transaction: (...args) => new RiverTransaction(...args),
};

const OPTIONS: Provider = {
  provide: RIVER_OPTIONS,
  useFactory: (parts: RiverParts, given: unknown) => parts.options(given),
  inject: [RIVER_PARTS, RIVER_MODULE_OPTIONS],
};

const ACTIVE_WORK: Provider = {
  provide: RIVER_ACTIVE_WORK,
  useFactory: ({ shutdownTimeoutMs }: ResolvedOptions) => new ActiveWork(shutdownTimeoutMs),
  inject: [RIVER_OPTIONS],
};

/** Starts the limit of the shutdown before Nest waits for requests under way. */
const SHUTDOWN_CLOCK: Provider = {
  provide: Symbol('nestjs-river.ShutdownClock'),
  useFactory: (modules: ModulesContainer, activeWork: ActiveWork) => ({
    onModuleInit: () => onFirstShutdownHook(modules, () => activeWork.beginShutdown()),
  }),
  inject: [ModulesContainer, RIVER_ACTIVE_WORK],
};

const OTHER_TRANSACTIONS: Provider = {
  provide: RIVER_OTHER_TRANSACTIONS,
  useFactory: (
    { transactionSource }: ResolvedOptions,
    source: DataSource,
    modules: ModulesContainer,
  ) => (transactionSource === undefined ? new OtherTransactions(source, modules) : null),
  inject: [RIVER_OPTIONS, RIVER_DATA_SOURCE, ModulesContainer],
};

/** The providers of one `forRoot()`, and the tokens of those that others may inject. */
export function riverProviders({ name = DEFAULT_RIVER_NAME, dataSource }: RiverModuleExtras): {
  readonly providers: Provider[];
  readonly exports: (symbol | typeof RiverClient | typeof RiverTransaction)[];
} {
  const client = getRiverClientToken(name);
  const transaction = getRiverTransactionToken(name);
  const runtime = getRiverRuntimeToken(name);
  const providers: Provider[] = [
    { provide: RIVER_NAME, useValue: name },
    { provide: RIVER_PARTS, useValue: PARTS },
    OPTIONS,
    dataSourceProvider(dataSource),
    {
      provide: client,
      useFactory: (parts: RiverParts, ...made: Parameters<RiverParts['client']>) =>
        parts.client(...made),
      inject: [RIVER_PARTS, RIVER_DATA_SOURCE, RIVER_OPTIONS, RIVER_ACTIVE_WORK],
    },
    ACTIVE_WORK,
    SHUTDOWN_CLOCK,
    transactionProvider(transaction, name),
    runtimeProvider(name),
    {
      provide: RIVER_DATA_SOURCE_JOIN,
      useFactory: (
        { joinRepositories, secondConnectionTimeoutMs }: ResolvedOptions,
        source: DataSource,
        activeWork: ActiveWork,
        helper: RiverTransaction,
      ) =>
        new DataSourceJoin(source, {
          activeWork,
          transaction: helper,
          repositories: joinRepositories,
          secondConnectionTimeoutMs,
        }),
      inject: [RIVER_OPTIONS, RIVER_DATA_SOURCE, RIVER_ACTIVE_WORK, transaction],
    },
    OTHER_TRANSACTIONS,
    {
      provide: APP_INTERCEPTOR,
      useFactory: ({ requestQueryRunner }: ResolvedOptions, source: DataSource) =>
        new RequestTransactionInterceptor(name, source, requestQueryRunner),
      inject: [RIVER_OPTIONS, RIVER_DATA_SOURCE],
    },
  ];
  if (name !== DEFAULT_RIVER_NAME) return { providers, exports: [client, transaction, runtime] };
  return {
    providers: [
      ...providers,
      { provide: RiverClient, useExisting: client },
      { provide: RiverTransaction, useExisting: transaction },
    ],
    exports: [client, transaction, runtime, RiverClient, RiverTransaction],
  };
}

function runtimeProvider(name: string): Provider {
  return {
    provide: getRiverRuntimeToken(name),
    useFactory: (
      { hasDatabase }: RiverParts,
      dataSource: DataSource,
      options: ResolvedOptions,
      ...[activeWork, client, transaction]: [ActiveWork, RiverClient, RiverTransaction]
    ): RiverRuntime => ({ hasDatabase, dataSource, options, activeWork, client, transaction }),
    inject: [
      RIVER_PARTS,
      RIVER_DATA_SOURCE,
      RIVER_OPTIONS,
      RIVER_ACTIVE_WORK,
      getRiverClientToken(name),
      getRiverTransactionToken(name),
    ],
  };
}

function transactionProvider(token: symbol, name: string): Provider {
  return {
    provide: token,
    useFactory: (
      parts: RiverParts,
      options: ResolvedOptions,
      source: DataSource,
      activeWork: ActiveWork,
    ) => parts.transaction(name, source, { ...options, activeWork }),
    inject: [RIVER_PARTS, RIVER_OPTIONS, RIVER_DATA_SOURCE, RIVER_ACTIVE_WORK],
  };
}

/** A data source that is given as an object sits behind a factory: Nest 10 serialises values. */
function dataSourceProvider(dataSource: string | DataSource | undefined): Provider {
  if (dataSource !== undefined && (typeof dataSource !== 'string' || dataSource === '')) {
    return {
      provide: RIVER_DATA_SOURCE,
      useFactory: (parts: RiverParts, options: ResolvedOptions) =>
        parts.dataSource(dataSource as DataSource, 'dataSource', options),
      inject: [RIVER_PARTS, RIVER_OPTIONS],
    };
  }
  const isNamed = dataSource !== undefined && dataSource !== 'default';
  const token = isNamed ? `${dataSource}DataSource` : DataSource;
  const what = isNamed ? `the data source '${nameText(dataSource)}'` : 'the default data source';
  return {
    provide: RIVER_DATA_SOURCE,
    useFactory: (parts: RiverParts, options: ResolvedOptions, found: DataSource | undefined) =>
      parts.dataSource(found, what, options),
    inject: [RIVER_PARTS, RIVER_OPTIONS, { token, optional: true }],
  };
}

/** Checks the data source, and River's tables in it. */
async function readyDataSource(
  found: DataSource | undefined,
  what: string,
  { schema, migrate: migrates, preparedStatements }: ResolvedOptions,
): Promise<DataSource> {
  const dataSource = checkDataSource(found, what);
  checkEntityNames(dataSource);
  if (migrates) await migrate(dataSource, schema);
  const connection = new PoolConnection({ dataSource, preparedStatements: false });
  await connection.lend('schema check', async (lent) => {
    const backend = await checkSchema(lent, new SchemaName(schema));
    await checkPooler(lent, backend, { dataSource, preparedStatements });
    warnOfSilence(dataSource, lent);
  });
  return dataSource;
}

/** Loaded only where it is asked for: in production hardly anywhere. */
async function migrate(dataSource: DataSource, schema: string | undefined): Promise<void> {
  const { RiverMigrator } = await import('./migrations/river-migrator.js');
  const { versions } = await new RiverMigrator(dataSource, { schema }).migrate({ direction: 'up' });
  if (versions.length === 0) return;
  const applied = versions.map(({ version }) => version).join(', ');
  new Logger('RiverModule').log(`River's schema: applied versions ${applied}`);
}
