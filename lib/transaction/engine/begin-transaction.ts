import type { EntityManager, QueryRunner } from 'typeorm';
import { DatabaseError, driverErrorOf, sqlStateOf } from '../../errors/database-errors.js';
import { giveBack, rawClient } from '../../postgres/connection/connection.js';
import { close, type PgClient } from '../../postgres/driver/pg-client.js';
import type { Abort } from '../context/abort.js';
import { ConnectionWatch } from '../statements/connection-watch.js';
import type { RiverTransactionOptions } from '../context/transaction-options.js';
import type { ActiveWork } from './active-work.js';

/** One attempt of a transaction. */
export interface TransactionAttempt<T> {
  readonly name: string;
  readonly options: RiverTransactionOptions;
  readonly work: (manager: EntityManager) => Promise<T> | T;
  readonly reportHookError: (error: unknown) => void;
  readonly hookTimeoutMs?: number | undefined;
  /** Aborts it when the application no longer waits. */
  readonly activeWork: ActiveWork;
}

/** A connection on which a transaction has begun. */
export interface BegunTransaction {
  readonly client: PgClient;
  readonly watch: ConnectionWatch;
}

/**
 * Takes a connection of the pool and begins a transaction on it, within the limits of the
 * transaction: the pool may be exhausted, and on a network that fell silent BEGIN has no answer.
 *
 * @throws TransactionAbortedError when it is aborted before; no connection is kept then
 * @throws DatabaseError when there is no connection, or BEGIN fails
 */
export async function beginTransaction(
  queryRunner: QueryRunner,
  options: RiverTransactionOptions,
  abort: Abort,
): Promise<BegunTransaction> {
  let connected: BegunTransaction | undefined;
  const begin = async (): Promise<BegunTransaction> => {
    const client = await rawClient(queryRunner, 'begin');
    if (abort.reason !== undefined) {
      // It arrives too late, and goes straight back to the pool.
      await queryRunner.release();
      throw abort.reason;
    }
    const watch = new ConnectionWatch(queryRunner, client);
    connected = { client, watch };
    await queryRunner.startTransaction(options.isolation);
    if (isConfigured(options)) await configure(queryRunner, options);
    watch.watchEnd();
    return connected;
  };
  try {
    // One wait for both: each costs promises, which every transaction pays for.
    return await abort.unlessFirst(begin());
  } catch (error) {
    if (connected === undefined) throw error;
    const { client, watch } = connected;
    // A BEGIN without an answer may yet be run, and the next statement would be part of its transaction.
    if (abort.reason !== undefined || !isAnswered(error)) close(client);
    watch.stop();
    const reason: unknown = abort.reason ?? watch.lost ?? ofBegin(error);
    await giveBack(queryRunner, client);
    throw reason;
  }
}

/** Subscribers of the application are told of the BEGIN, too; their errors are passed on. */
function ofBegin(error: unknown): unknown {
  const { query } = Object(error) as { readonly query?: unknown };
  const isOurs = typeof query === 'string' && /^(START|SET) TRANSACTION\b/.test(query);
  return isOurs ? DatabaseError.ofTypeorm('begin', error) : error;
}

/** Whether the server has answered, by an error of its own. */
function isAnswered(error: unknown): boolean {
  return sqlStateOf(driverErrorOf(error)) !== undefined;
}

function isConfigured(options: RiverTransactionOptions): boolean {
  const { readOnly, statementTimeoutMs, lockTimeoutMs } = options;
  return readOnly === true || statementTimeoutMs !== undefined || lockTimeoutMs !== undefined;
}

/** Sets what holds for a transaction, or a savepoint in its place. */
export async function configure(
  queryRunner: QueryRunner,
  options: RiverTransactionOptions,
): Promise<void> {
  const { readOnly, statementTimeoutMs, lockTimeoutMs } = options;
  try {
    if (readOnly) await queryRunner.query('SET TRANSACTION READ ONLY');
    if (statementTimeoutMs === undefined && lockTimeoutMs === undefined) return;
    await queryRunner.query(
      `SELECT
  pg_catalog.set_config('statement_timeout', coalesce($1, pg_catalog.current_setting('statement_timeout')), true),
  pg_catalog.set_config('lock_timeout', coalesce($2, pg_catalog.current_setting('lock_timeout')), true)`,
      [statementTimeoutMs?.toString() ?? null, lockTimeoutMs?.toString() ?? null],
    );
  } catch (error) {
    throw DatabaseError.ofTypeorm('begin', error);
  }
}
