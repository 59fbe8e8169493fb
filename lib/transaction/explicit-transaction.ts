import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { RiverTransactionError } from '../errors/transaction-error.js';
import { ClientConnection } from '../postgres/connection.js';
import { isPgClient, type PgClient } from '../postgres/pg-client.js';
import { ForeignTransaction, notInTransaction, requireOpen } from './foreign-transaction.js';
import type { JoinableTransaction } from './joinable-transaction.js';
import { scopeOf } from './transaction-levels.js';

/** What `insertTx` takes: something that is in a transaction. */
export type Transaction = EntityManager | QueryRunner | PgClient;

/**
 * The transaction that the caller names.
 *
 * @throws NotInTransactionError when it is in no transaction
 * @throws RiverTransactionError when it is none of the three, or belongs to another data source
 */
export function explicitTransaction(tx: unknown, dataSource: DataSource): JoinableTransaction {
  const queryRunner = isEntityManager(tx) ? tx.queryRunner : isQueryRunner(tx) ? tx : undefined;
  if (queryRunner !== undefined) {
    requireDataSource(queryRunner, dataSource, 'tx');
    const scope = scopeOf(queryRunner);
    if (scope !== undefined) return scope;
    const foreign = new ForeignTransaction(queryRunner, dataSource);
    if (!foreign.isOpen) throw notInTransaction('the query runner');
    return foreign;
  }
  if (isEntityManager(tx)) throw notInTransaction('the entity manager');
  if (!isPgClient(tx)) throw unknownTransaction(tx);
  requireOpen(tx, 'the pg client');
  return {
    connection: (settings) => new ClientConnection(tx, settings),
    follow: (_what, begin) => begin(),
  };
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
export function dataSourceOf(queryRunner: QueryRunner): DataSource {
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

function unknownTransaction(tx: unknown): RiverTransactionError {
  return new RiverTransactionError(
    `tx: must be an EntityManager, a QueryRunner or a pg client (8.21 or later); got ${describeValue(tx)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field: 'tx' },
  );
}
