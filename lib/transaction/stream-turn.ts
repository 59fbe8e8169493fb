import type { EventEmitter } from 'node:events';
import type { QueryRunner } from 'typeorm';
import type { PgClient } from '../postgres/pg-client.js';
import type { TransactionScope } from './transaction-scope.js';

type Stream = QueryRunner['stream'];

/**
 * Reads a stream in the turn of a statement: what is asked for meanwhile is sent once the server has
 * sent all rows, or the stream is closed.
 *
 * @param open TypeORM's own `stream`
 */
export function streamInTurn(
  scope: TransactionScope,
  open: Stream,
  args: Parameters<Stream>,
): ReturnType<Stream> {
  return new Promise((resolve, reject) => {
    const turn = scope.enqueueAlone('A stream', async () => {
      const left = idleAgain(scope.shared.client);
      resolve(await open(...args));
      await left;
    });
    turn.catch(reject);
  });
}

/** Resolves when a client has nothing left to do, or its connection is closed. */
function idleAgain(client: PgClient): Promise<void> {
  const events = client as unknown as EventEmitter;
  return new Promise((resolve) => {
    const done = (): void => {
      events.off('drain', done).off('end', done);
      resolve();
    };
    events.on('drain', done).on('end', done);
  });
}
