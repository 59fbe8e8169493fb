import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { NotInTransactionError, RiverTransactionError } from '../errors/transaction-error.js';
import {
  ClientConnection,
  rawClient,
  type Connection,
  type ConnectionSettings,
} from '../postgres/connection.js';
import { isPgClient, type PgClient } from '../postgres/pg-client.js';
import { scopeOf } from './transaction-scope.js';

/** What `insertTx` takes: something that is in a transaction. */
export type Transaction = EntityManager | QueryRunner | PgClient;

/** A transaction that an insert joins. */
export interface JoinedTransaction {
  readonly connection: Connection;
  /** Absent where somebody else commits and we are not told. */
  readonly afterCommit?: ((hook: () => void) => void) | undefined;
}

/**
 * The transaction that the caller names.
 *
 * @throws NotInTransactionError when it is in no transaction
 * @throws RiverTransactionError when it is none of the three, or belongs to another data source
 */
export async function explicitTransaction(
  tx: unknown,
  settings: ConnectionSettings,
): Promise<JoinedTransaction> {
  const queryRunner = isEntityManager(tx) ? tx.queryRunner : isQueryRunner(tx) ? tx : undefined;
  if (queryRunner === undefined) {
    if (isEntityManager(tx)) throw notInTransaction('the entity manager');
    if (!isPgClient(tx)) throw unknownTransaction(tx);
    requireOpen(tx, 'the pg client');
    return { connection: new ClientConnection(tx, settings) };
  }
  requireDataSource(queryRunner, settings.dataSource, 'tx');
  const scope = scopeOf(queryRunner);
  if (scope !== undefined) {
    return {
      connection: scope.connection(settings),
      afterCommit: (hook) => scope.afterCommit(hook),
    };
  }
  return { connection: await queryRunnerConnection(queryRunner, settings) };
}

/** The connection of a query runner that somebody else has begun a transaction on. */
export async function queryRunnerConnection(
  queryRunner: QueryRunner,
  settings: ConnectionSettings,
): Promise<Connection> {
  if (queryRunner.isReleased || !queryRunner.isTransactionActive)
    throw notInTransaction('the query runner');
  const client = await rawClient(queryRunner, 'insert');
  requireOpen(client, 'the query runner');
  return new ClientConnection(client, settings, queryRunner);
}

/** What the server says counts: somebody may have ended the transaction by a statement of his own. */
function requireOpen(client: PgClient, what: string): void {
  const status = client.getTransactionStatus();
  if (status !== 'T' && status !== 'E') throw notInTransaction(what);
}

/** @throws RiverTransactionError when the query runner belongs to another data source */
export function requireDataSource(
  queryRunner: QueryRunner,
  dataSource: DataSource,
  field: string,
): void {
  if (dataSourceOf(queryRunner) === dataSource) return;
  throw new RiverTransactionError(
    `${field}: belongs to another data source than this client's. Use the client of that data source, ` +
      'injected by @InjectRiverClient(name).',
    { code: 'RIVER_OTHER_DATA_SOURCE', field },
  );
}

/** TypeORM 0.3 names it `connection`, 1.x `dataSource`; its manager answers to both names. */
function dataSourceOf(queryRunner: QueryRunner): DataSource {
  const manager: { connection: DataSource } = queryRunner.manager;
  return manager.connection;
}

function isEntityManager(value: unknown): value is EntityManager {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<EntityManager>).getRepository === 'function' &&
    typeof (value as Partial<EntityManager>).transaction === 'function'
  );
}

/** Whether a value is a query runner of TypeORM's, by shape. */
export function isQueryRunner(value: unknown): value is QueryRunner {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<QueryRunner>).startTransaction === 'function' &&
    'isTransactionActive' in value
  );
}

function notInTransaction(what: string): NotInTransactionError {
  return new NotInTransactionError(
    `tx: ${what} is not in a transaction. Use insert() to insert a job by itself, or give the ` +
      'manager of dataSource.transaction(...), a query runner after startTransaction(), or a pg client after BEGIN.',
  );
}

function unknownTransaction(tx: unknown): RiverTransactionError {
  return new RiverTransactionError(
    `tx: must be an EntityManager, a QueryRunner or a pg client (8.21 or later); got ${describeValue(tx)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field: 'tx' },
  );
}
