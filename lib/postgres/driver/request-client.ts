import type { QueryRunner } from 'typeorm';
import { withDeadline } from '../../abort-signal.js';
import { InsertAbortedError } from '../../errors/insert-errors.js';
import { PauseLog } from './pause-log.js';
import { completeClients } from './older-pg.js';
import type { PgClient } from './pg-client.js';
import { hasIdle, poolState } from './pool.js';

const waits = new PauseLog(
  'RiverClient',
  (waiting, pool) =>
    `${waiting === 1 ? 'A call is' : `${waiting} calls are`} waiting for a connection of the pool: ` +
    `${pool}. Either other work holds the connections, or the database does not respond.`,
);

/** Connects a query runner. Where the pool has no idle connection, a long wait is reported. */
export function requestClient(queryRunner: QueryRunner): Promise<PgClient> {
  const pooled = queryRunner as QueryRunner & { readonly driver?: unknown };
  completeClients(pooled);
  const mayWait = !hasIdle(pooled);
  const connecting = queryRunner.connect() as Promise<PgClient>;
  return mayWait ? waits.follow(connecting, () => poolState(pooled)) : connecting;
}

/**
 * Connects a query runner, unless one of the signals is aborted first. A connection that comes after
 * that goes straight back to the pool.
 *
 * @throws InsertAbortedError
 */
export function connectUnlessAborted(
  queryRunner: QueryRunner,
  signals: readonly AbortSignal[],
): Promise<PgClient> {
  const connecting = requestClient(queryRunner);
  if (signals.length === 0) return connecting;
  return withDeadline(connecting, {
    signals,
    aborted: ({ reason }) => new InsertAbortedError(reason),
    onLate: () => queryRunner.release(),
  });
}
