import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { TransactionOperations } from './transaction-operations.js';

const operations = new WeakMap<QueryRunner, TransactionOperations>();
const rollingBack = new WeakSet<QueryRunner>();

/**
 * Follows an insert into a transaction that the application opened itself. Its COMMIT waits for
 * inserts that nobody awaited, and becomes a rollback if one of them failed; its ROLLBACK waits too,
 * so that none runs after it.
 *
 * This reaches as far as TypeORM's `commitTransaction()` and `rollbackTransaction()` do: not to a
 * COMMIT sent as a statement, nor to transactions of plain `pg` clients.
 */
export function followForeign<T>(
  dataSource: DataSource,
  queryRunner: QueryRunner,
  begin: () => Promise<T>,
): Promise<T> {
  guard(dataSource);
  let own = operations.get(queryRunner);
  if (own === undefined) operations.set(queryRunner, (own = new TransactionOperations()));
  return own.follow('A call of RiverClient', begin());
}

const GUARD: EntitySubscriberInterface = {
  async beforeTransactionCommit({ queryRunner }) {
    await ended(queryRunner);
    operations.get(queryRunner)?.throwUnobserved();
  },
  async beforeTransactionRollback({ queryRunner }) {
    rollingBack.add(queryRunner);
    await ended(queryRunner);
    rollingBack.delete(queryRunner);
  },
  afterTransactionCommit: ({ queryRunner }) => forget(queryRunner),
  afterTransactionRollback: ({ queryRunner }) => forget(queryRunner),
};

/** Whether a rollback waits for what is under way: what takes long is of no use any more. */
export function isRollingBack(queryRunner: QueryRunner): boolean {
  return rollingBack.has(queryRunner);
}

/** A data source that is closed and opened again begins with a new list. */
function guard({ subscribers }: DataSource): void {
  if (!subscribers.includes(GUARD)) subscribers.push(GUARD);
}

async function ended(queryRunner: QueryRunner): Promise<void> {
  const own = operations.get(queryRunner);
  while (own !== undefined && own.size > 0) await own.ended();
}

function forget(queryRunner: QueryRunner): void {
  if (!queryRunner.isTransactionActive) operations.delete(queryRunner);
}
