import type { QueryRunner } from 'typeorm';
import { close, giveBack, rawClient } from '../postgres/connection.js';
import type { PgClient } from '../postgres/pg-client.js';
import type { Abort } from './abort.js';
import { ConnectionWatch } from './connection-watch.js';
import type { RiverTransactionOptions } from './transaction-options.js';

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
 */
export async function beginTransaction(
  queryRunner: QueryRunner,
  options: RiverTransactionOptions,
  abort: Abort,
): Promise<BegunTransaction> {
  const client = await acquire(queryRunner, abort);
  const watch = new ConnectionWatch(queryRunner, client);
  const undo = abort.onAbort(() => close(client));
  try {
    await abort.unlessFirst(start(queryRunner, options));
    watch.watchEnd();
    return { client, watch };
  } catch (error) {
    watch.stop();
    const reason: unknown = abort.reason ?? watch.lost ?? error;
    await giveBack(queryRunner, client);
    throw reason;
  } finally {
    undo();
  }
}

/** A connection that arrives too late goes straight back to the pool. */
async function acquire(queryRunner: QueryRunner, abort: Abort): Promise<PgClient> {
  const connecting = rawClient(queryRunner, 'begin');
  try {
    return await abort.unlessFirst(connecting);
  } catch (error) {
    void connecting.then(
      () => queryRunner.release(),
      () => undefined,
    );
    throw error;
  }
}

async function start(queryRunner: QueryRunner, options: RiverTransactionOptions): Promise<void> {
  await queryRunner.startTransaction(options.isolation);
  await configure(queryRunner, options);
}

/** Sets what holds for a transaction, or a savepoint in its place. */
export async function configure(
  queryRunner: QueryRunner,
  options: RiverTransactionOptions,
): Promise<void> {
  if (options.readOnly) await queryRunner.query('SET TRANSACTION READ ONLY');
  const { statementTimeoutMs, lockTimeoutMs } = options;
  if (statementTimeoutMs === undefined && lockTimeoutMs === undefined) return;
  await queryRunner.query(
    `SELECT set_config('statement_timeout', coalesce($1, current_setting('statement_timeout')), true),
  set_config('lock_timeout', coalesce($2, current_setting('lock_timeout')), true)`,
    [statementTimeoutMs?.toString() ?? null, lockTimeoutMs?.toString() ?? null],
  );
}
