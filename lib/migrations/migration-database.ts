import type { DataSource, QueryRunner } from 'typeorm';
import { got, refusal } from '../errors/checks.js';
import { RiverMigrationError } from '../errors/setup-errors.js';
import { RiverError } from '../errors/river-error.js';
import { DatabaseError } from '../errors/database-errors.js';
import { checkDataSource } from '../postgres/driver/check-data-source.js';
import {
  ClientConnection,
  inTransaction,
  rawClient,
  type Connection,
} from '../postgres/connection/connection.js';
import { PoolConnection } from '../postgres/connection/pool-connection.js';
import { inTurn } from '../postgres/driver/client-turns.js';
import { completeClient, isConnected, learnStatus } from '../postgres/driver/older-pg.js';
import { isPgClient, type PgClient } from '../postgres/driver/pg-client.js';
import { dataSourceOf, isQueryRunner } from '../transaction/explicit-transaction.js';

/** What is used of a `Pool` of `pg`. */
export interface PgPool {
  connect(): Promise<PgPoolClient>;
}

/** What is used of a client that a `Pool` of `pg` has handed out. */
export interface PgPoolClient extends PgClient {
  /** Gives it back; `true` closes it. */
  release(destroy?: boolean): void;
  on(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

/**
 * What migrations can run on: a data source or a query runner of TypeORM, or a connected `Client` or
 * a `Pool` of `pg`. On a query runner or a client that is in a transaction all happens in it.
 */
export type MigrationSource = DataSource | QueryRunner | PgClient | PgPool;

/** Begins and ends the transactions of migrations. */
export type MigrationDatabase = Pick<Connection, 'transaction'>;

const refused = refusal(RiverMigrationError, 'RIVER_INVALID_MIGRATION_OPTIONS', 'RiverMigrator: ');

/** @throws RiverMigrationError or RiverConfigurationError when nothing can run on the source */
export function migrationDatabase(source: unknown): MigrationDatabase {
  try {
    return find(source);
  } catch (cause) {
    throw RiverError.is(cause)
      ? cause
      : refused('source', 'reading it threw an error (see cause)', cause);
  }
}

function find(source: unknown): MigrationDatabase {
  if (isQueryRunner(source)) return onQueryRunner(source);
  if (isPgClient(source)) return onClient(source);
  if (isObjectWith('createQueryRunner', source)) {
    const dataSource = checkDataSource(source as DataSource, "the migrator's data source");
    return new PoolConnection({ dataSource, preparedStatements: false });
  }
  if (isObjectWith('connect', source)) return onPool(source as PgPool);
  throw refused(
    'source',
    got(
      'must be a DataSource or a QueryRunner of TypeORM, or a connected Client (8.11 or later, not of pg-native) or a Pool of pg',
      source,
    ),
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
  if (!isConnected(client)) {
    throw refused('source', 'the client is not connected; await client.connect() first');
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
      completeClient(client, null);
      // Without a listener, a connection that breaks would end the process; the statement tells too.
      client.on('error', ignore);
      try {
        return await inTransaction(new ClientConnection(client, UNLOGGED), work);
      } finally {
        client.removeListener('error', ignore);
        client.release(client.getTransactionStatus() !== 'I');
      }
    },
  };
}

/**
 * In the transaction that the client is in, else in one for the purpose; one after the other, where
 * several migrators were given the same client.
 */
async function inItsTransaction<T>(
  client: PgClient,
  connection: ClientConnection,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return await inTurn(client, async () => {
    await learnStatus(client);
    const isOutside = client.getTransactionStatus() === 'I';
    return await (isOutside ? inTransaction(connection, work) : work(connection));
  });
}

const ignore = (): void => undefined;

const UNLOGGED = {
  dataSource: {
    logger: {
      logQuery: ignore,
      logQueryError: ignore,
      logQuerySlow: ignore,
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
