import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';
import { DatabaseError } from '../../errors/database-errors.js';
import { InsertItemsError } from '../../errors/insert-errors.js';
import type { Others } from '../connection/connection.js';
import type { CopyFeed } from './copy-feed.js';
import { copyLimits } from './copy-limits.js';
import type { PgClient } from '../driver/pg-client.js';
import { isPoolBlocked, noteBulkInsert } from './pool-block.js';
import { clearInterval, clearTimeout, now, setInterval, setTimeout } from '../../real-time.js';

/** A bulk insert that has a connection to itself. */
export interface Copying {
  readonly dataSource: DataSource;
  readonly client: PgClient;
  readonly others: Others;
  readonly feed: CopyFeed;
  readonly interrupt: AbortController;
}

/**
 * Runs `work` and aborts it when it is of no use any more: its transaction is being rolled back, its
 * connection is lost, or no item comes while somebody waits for what the insert keeps, which is most
 * likely what the items wait for themselves. Work that does not end after that, because the server
 * does not answer, loses its connection.
 *
 * @param work calls `last` before what must not be cut off: it then runs to its end
 */
export async function whileUseful<T>(
  copying: Copying,
  work: (last: () => void) => Promise<T>,
): Promise<T> {
  const { others, interrupt } = copying;
  const { signal } = interrupt;
  let cut: NodeJS.Timeout | undefined;
  let isCut = false;
  const cutSoon = (): void => {
    cut = setTimeout(() => {
      isCut = true;
      others.cut();
    }, copyLimits.cutAfterMs);
  };
  const last = (): void => {
    signal.throwIfAborted();
    signal.removeEventListener('abort', cutSoon);
  };
  signal.addEventListener('abort', cutSoon);
  const stop = watch(copying);
  try {
    signal.throwIfAborted();
    return await work(last);
  } catch (error) {
    // Why the connection was closed counts, not that it was.
    throw isCut ? signal.reason : error;
  } finally {
    stop();
    clearTimeout(cut);
    signal.removeEventListener('abort', cutSoon);
  }
}

/** @returns ends it */
function watch({ dataSource, client, others, feed, interrupt }: Copying): () => void {
  let seen = { jobs: -1, at: 0 };
  const check = (): void => {
    const refusal = others.refusal();
    if (refusal !== undefined) interrupt.abort(refusal);
    const stall =
      feed.isWaiting && (others.areWaiting() ? BUSY : isPoolBlocked(dataSource) && FULL);
    if (!stall || feed.jobs !== seen.jobs) seen = { jobs: feed.jobs, at: now() };
    else if (now() - seen.at >= copyLimits.stalledAfterMs)
      interrupt.abort(deadlock(feed.jobs, stall));
  };
  check();
  const timer = setInterval(check, copyLimits.checkEveryMs);
  const forget = noteBulkInsert(client, feed);
  const onError = (cause: unknown): void => interrupt.abort(new DatabaseError('insert', cause));
  const emitter: PgClient & Partial<EventEmitter> = client;
  emitter.on?.('error', onError);
  return () => {
    clearInterval(timer);
    forget();
    emitter.off?.('error', onError);
  };
}

const BUSY =
  'while a statement of the same transaction waited for the connection, which the insert keeps until ' +
  'it has all items. Items and onProgress must not use that transaction: read the items before, or in ' +
  'transaction.outside(...)';
const FULL =
  "while all connections of the data source's pool were taken, none of them was at work, and somebody " +
  'waited for one. Items and onProgress that query the database need a connection besides that of the ' +
  'insert, for each insertManyFast at the same time: raise the size of the pool, or read the items before';

function deadlock(index: number, why: string): InsertItemsError {
  return new InsertItemsError(
    `jobs[${index}]: it did not come for ${copyLimits.stalledAfterMs} ms, ${why}`,
    { index },
  );
}
