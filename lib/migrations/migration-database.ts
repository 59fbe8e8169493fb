import type { DataSource, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { RiverMigrationError } from '../errors/migration-error.js';
import { DatabaseError } from '../errors/database-error.js';
import { checkDataSource } from '../postgres/check-data-source.js';
import {
  ClientConnection,
  inTransaction,
  PoolConnection,
  rawClient,
  type Connection,
} from '../postgres/connection.js';
import { isPgClient, type PgClient } from '../postgres/pg-client.js';
import { dataSourceOf, isQueryRunner } from '../transaction/explicit-transaction.js';

/** What is used of a `Pool` of `pg`. */
export interface PgPool {
  /** Hands out a client, which is given back by its `release`; `true` closes it. */
  connect(): Promise<PgClient & { release(destroy?: boolean): void }>;
}

/**
 * What migrations can run on: a data source or a query runner of TypeORM, or a connected `Client` or
 * a `Pool` of `pg`. On a query runner or a client that is in a transaction all happens in it.
 */
export type MigrationSource = DataSource | QueryRunner | PgClient | PgPool;

/** Begins and ends the transactions of migrations. */
export type MigrationDatabase = Pick<Connection, 'transaction'>;

/** @throws RiverMigrationError or RiverConfigurationError when nothing can run on the source */
export function migrationDatabase(source: unknown): MigrationDatabase {
  if (isQueryRunner(source)) return onQueryRunner(source);
  if (isPgClient(source)) return onClient(source);
  if (isObjectWith('createQueryRunner', source)) {
    const dataSource = checkDataSource(source as DataSource, "the migrator's data source");
    return new PoolConnection({ dataSource, preparedStatements: false });
  }
  if (isObjectWith('connect', source)) return onPool(source as PgPool);
  throw refused(
    `must be a DataSource or a QueryRunner of TypeORM, or a connected Client (8.21 or later) or a Pool of pg; got ${describeValue(source)}`,
  );
}

function onQueryRunner(queryRunner: QueryRunner): MigrationDatabase {
  return {
    transaction: async (work) => {
      const client = await rawClient(queryRunner, 'connecting');
      const settings = { dataSource: dataSourceOf(queryRunner), preparedStatements: false };
      return await inItsTransaction(
        client,
        new ClientConnection(client, settings, queryRunner),
        work,
      );
    },
  };
}

function onClient(client: PgClient): MigrationDatabase {
  if (client.getTransactionStatus() === null) {
    throw refused('the client is not connected; await client.connect() first');
  }
  return {
    transaction: (work) => inItsTransaction(client, new ClientConnection(client, UNLOGGED), work),
  };
}

function onPool(pool: PgPool): MigrationDatabase {
  return {
    transaction: async (work) => {
      const client = await pool.connect().catch((cause: unknown) => {
        throw new DatabaseError('connecting', cause);
      });
      try {
        return await inTransaction(new ClientConnection(client, UNLOGGED), work);
      } finally {
        client.release(client.getTransactionStatus() !== 'I');
      }
    },
  };
}

/** In the transaction that the client is in, else in one for the purpose. */
async function inItsTransaction<T>(
  client: PgClient,
  connection: ClientConnection,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return client.getTransactionStatus() === 'I'
    ? await inTransaction(connection, work)
    : await work(connection);
}

const UNLOGGED = {
  dataSource: {
    logger: {
      logQuery: () => undefined,
      logQueryError: () => undefined,
      logQuerySlow: () => undefined,
    },
    options: {},
  },
  preparedStatements: false,
};

function isObjectWith(method: string, value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === 'function'
  );
}

function refused(rule: string): RiverMigrationError {
  return new RiverMigrationError(`RiverMigrator: ${rule}.`, {
    code: 'RIVER_INVALID_MIGRATION_OPTIONS',
    field: 'source',
  });
}
