import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import type { QueryRunner } from 'typeorm';
import { TransactionScopeBusyError } from '../../errors/transaction-errors.js';
import type { PgClient } from '../../postgres/driver/pg-client.js';
import type { TransactionScope } from '../statements/transaction-scope.js';
import { deadlock } from '../statements/unless-busy.js';
import { clearInterval, now, setInterval } from '../../real-time.js';

type Stream = QueryRunner['stream'];

/**
 * Reads a stream in the turn of a statement: what is asked for meanwhile is sent once the server has
 * sent all rows, or the stream is closed. Whoever awaits that before he reads on would wait forever,
 * so the stream is closed with an error then.
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
      const left = idleAgain(scope.session.client);
      const stream = await open(...args);
      resolve(stream);
      const stop = closeUnread(stream, scope);
      await left;
      stop();
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

/** @returns stops it */
function closeUnread(stream: Readable, scope: TransactionScope): () => void {
  let length = stream.readableLength;
  let since = now();
  const timer = setInterval(() => {
    const hasReader = stream.readableFlowing !== null || stream.listenerCount('readable') > 0;
    // An empty stream with a reader waits for the server.
    const isUnread = stream.readableLength === length && (length > 0 || !hasReader);
    length = stream.readableLength;
    if (!isUnread || !scope.areWaiting()) since = now();
    if (now() - since < deadlock.limitMs) return;
    clearInterval(timer);
    const error = new TransactionScopeBusyError('A statement', BEHIND_STREAM);
    scope.abandon(error);
    stream.destroy(stream.listenerCount('error') > 0 ? error : undefined);
  }, deadlock.limitMs / 10);
  return () => clearInterval(timer);
}

const BEHIND_STREAM =
  'waited for a stream of the same transaction, and the stream was not read meanwhile, so the stream ' +
  'was closed. Read the stream to its end first, or read it in transaction.outside(...).';
