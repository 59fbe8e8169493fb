import type { QueryRunner } from 'typeorm';
import { InsertAbortedError } from '../../errors/insert-errors.js';
import { onAbort } from './on-abort.js';
import type { PgClient } from './pg-client.js';
import { requestClient } from './request-client.js';

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
  return new Promise((resolve, reject) => {
    let isAborted = false;
    const leave = signals.map((signal) =>
      onAbort(signal, () => {
        isAborted = true;
        reject(new InsertAbortedError(signal.reason));
      }),
    );
    connecting
      .then((client) => (isAborted ? queryRunner.release() : resolve(client)), reject)
      .finally(() => leave.forEach((each) => each()))
      .catch(() => undefined);
  });
}
