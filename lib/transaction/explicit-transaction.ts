import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { RiverError } from '../errors/river-error.js';
import { NotInTransactionError, RiverTransactionError } from '../errors/transaction-errors.js';
import { ClientConnection } from '../postgres/connection/connection.js';
import { learnStatus } from '../postgres/driver/older-pg.js';
import { isPgClient, type PgClient } from '../postgres/driver/pg-client.js';
import type { AmbientTransaction } from './context/ambient-transaction.js';
import {
  ForeignTransaction,
  foreignConnection,
  notInTransaction,
  requireOpen,
} from './foreign-transaction.js';
import type { JoinableTransaction } from './context/ambient-transaction.js';
import { scopeOf, scopeOnClient } from './statements/scope-of.js';

/** What `insertTx` takes: something that is in a transaction. */
export type Transaction = EntityManager | QueryRunner | PgClient;

/**
 * The transaction that the caller names.
 *
 * @throws NotInTransactionError when it is not in a transaction
 * @throws DatabaseError when it was, and the connection is lost
 * @throws RiverTransactionError when it is none of the three, or belongs to another data source
 */
export function explicitTransaction(tx: unknown, dataSource: DataSource): JoinableTransaction {
  try {
    return find(tx, dataSource);
  } catch (cause) {
    throw RiverError.is(cause) ? cause : unknownTransaction(tx, cause);
  }
}

function find(tx: unknown, dataSource: DataSource): JoinableTransaction {
  const queryRunner = isEntityManager(tx) ? tx.queryRunner : isQueryRunner(tx) ? tx : undefined;
  if (queryRunner !== undefined) {
    requireDataSource(queryRunner, dataSource, 'tx');
    const scope = scopeOf(queryRunner);
    if (scope !== undefined) return scope;
    return ForeignTransaction.on(queryRunner, dataSource, () =>
      notInTransaction('the query runner'),
    );
  }
  if (isEntityManager(tx)) throw notInTransaction('the entity manager');
  if (!isPgClient(tx)) throw unknownTransaction(tx);
  const scope = scopeOnClient(tx, dataSource);
  if (scope !== undefined) {
    requireDataSource(scope.queryRunner, dataSource, 'tx');
    return scope;
  }
  const open = (): void => requireOpen(tx, 'the pg client');
  const learning = learnStatus(tx);
  if (learning === undefined) open();
  // A call that uses the connection is rejected with it.
  learning?.catch(() => undefined);
  return {
    connection: (settings) => {
      const own = new ClientConnection(tx, settings);
      return foreignConnection(
        async () => {
          if (learning !== undefined) await learning;
          open();
          return own;
        },
        () => undefined,
      );
    },
    follow: (_what, begin) => begin(),
  };
}

/** The transaction that the caller of `bind` has begun on a query runner; throws as `bind` does. */
export function boundTransaction(queryRunner: unknown, dataSource: DataSource): AmbientTransaction {
  try {
    return findBound(queryRunner, dataSource);
  } catch (cause) {
    throw RiverError.is(cause) ? cause : notAQueryRunner(queryRunner, cause);
  }
}

function findBound(queryRunner: unknown, dataSource: DataSource): AmbientTransaction {
  if (!isQueryRunner(queryRunner)) throw notAQueryRunner(queryRunner);
  requireDataSource(queryRunner, dataSource, 'queryRunner');
  const scope = scopeOf(queryRunner);
  if (scope === undefined) return ForeignTransaction.on(queryRunner, dataSource, notBegun);
  if (scope.hasEnded) throw notBegun();
  return scope;
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

/** TypeORM 0.3 names it `connection`, 1.x `dataSource`. A runner of the driver's own has no manager. */
export function dataSourceOf(queryRunner: QueryRunner): DataSource {
  const { dataSource, connection } = queryRunner as QueryRunner & {
    readonly dataSource?: DataSource;
    readonly connection: DataSource;
  };
  return dataSource ?? connection;
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

function unknownTransaction(tx: unknown, cause?: unknown): RiverTransactionError {
  return new RiverTransactionError(
    `tx: must be an EntityManager, a QueryRunner or a client of pg (8.11 or later, not of pg-native); got ${describeValue(tx)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field: 'tx', cause },
  );
}

function notAQueryRunner(value: unknown, cause?: unknown): RiverTransactionError {
  return new RiverTransactionError(
    `bind: must be given a QueryRunner of TypeORM; got ${describeValue(value)}.`,
    { code: 'RIVER_INVALID_TRANSACTION', field: 'queryRunner', cause },
  );
}

function notBegun(): NotInTransactionError {
  return new NotInTransactionError(
    'bind: the query runner is not in a transaction. Call startTransaction() first.',
  );
}
