import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { DatabaseError } from '../../errors/database-errors.js';
import { TransactionRolledBackError } from '../../errors/transaction-errors.js';
import { UnawaitedWork } from '../statements/unawaited-work.js';

/** What is known of a transaction that the application opened itself, from our first call in it on. */
interface Guarded {
  readonly operations: UnawaitedWork;
  isRollingBack?: boolean;
  /** Why the transaction, or its innermost savepoint, is in failed state, as far as we have seen. */
  failure?: unknown;
}

const guarded = new WeakMap<QueryRunner, Guarded>();

/**
 * Guards the end of a transaction that the application opened itself. Its COMMIT is rejected when the
 * server answers it with ROLLBACK, because a statement had failed before, whoever caught that error.
 *
 * This reaches as far as the query runner does: not to transactions of plain `pg` clients.
 */
export function guardForeign({ subscribers }: DataSource, queryRunner: QueryRunner): void {
  // A data source that is closed and opened again begins with a new list.
  if (!subscribers.includes(GUARD)) subscribers.push(GUARD);
  if (!guarded.has(queryRunner)) guarded.set(queryRunner, { operations: new UnawaitedWork() });
}

/**
 * Follows a call in a transaction that is guarded. TypeORM's `commitTransaction()` waits for calls
 * that nobody awaited, and becomes a rollback if one of them failed; its `rollbackTransaction()`
 * waits too, so that none runs after it. A COMMIT sent as a statement does not.
 */
export function followForeign<T>(queryRunner: QueryRunner, begin: () => Promise<T>): Promise<T> {
  const own = guarded.get(queryRunner);
  if (own === undefined) return begin();
  const answer = begin();
  answer.catch((error: unknown) => {
    if (error instanceof DatabaseError) own.failure ??= error;
  });
  return own.operations.follow('A call of RiverClient', answer);
}

/** Waits for what was begun in a transaction, and throws the error of what failed unobserved. */
export async function settleForeign(queryRunner: QueryRunner): Promise<void> {
  await ended(queryRunner);
  guarded.get(queryRunner)?.operations.throwUnobserved();
}

const GUARD: EntitySubscriberInterface = {
  // No promise where there is nothing to wait for: it is called for every transaction and statement.
  beforeTransactionCommit({ queryRunner }) {
    if (guarded.has(queryRunner)) return settleForeign(queryRunner);
  },
  async beforeTransactionRollback({ queryRunner }) {
    const own = guarded.get(queryRunner);
    if (own === undefined) return;
    own.isRollingBack = true;
    await ended(queryRunner);
    own.isRollingBack = false;
  },
  // A rejected promise leaves TypeORM's query() unchanged; what is thrown would be wrapped.
  afterQuery({ queryRunner, query, rawResults, error }) {
    const own = guarded.get(queryRunner);
    if (own === undefined) return;
    if (error !== undefined) own.failure ??= error;
    else if ((rawResults as { command?: string } | undefined)?.command === 'ROLLBACK') {
      const { failure } = own;
      own.failure = undefined;
      if (IS_COMMIT.test(query)) return Promise.reject(new TransactionRolledBackError(failure));
    }
  },
  afterTransactionCommit: ({ queryRunner }) => forget(queryRunner),
  afterTransactionRollback: ({ queryRunner }) => forget(queryRunner),
};

/** Whether a subscriber is ours: it sends no statements. */
export function isGuard(subscriber: EntitySubscriberInterface): boolean {
  return subscriber === GUARD;
}

const IS_COMMIT = /^\s*(commit|end)\b/i;

/** Whether a rollback waits for what is under way: what takes long is of no use any more. */
export function isRollingBack(queryRunner: QueryRunner): boolean {
  return guarded.get(queryRunner)?.isRollingBack === true;
}

async function ended(queryRunner: QueryRunner): Promise<void> {
  const operations = guarded.get(queryRunner)?.operations;
  while (operations !== undefined && operations.size > 0) await operations.ended();
}

/** The end of a savepoint is not the end of the transaction. */
function forget(queryRunner: QueryRunner): void {
  if (!queryRunner.isTransactionActive) guarded.delete(queryRunner);
}
