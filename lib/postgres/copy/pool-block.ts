import type { DataSource } from 'typeorm';
import type { CopyFeed } from './copy-feed.js';
import type { PgClient } from '../driver/pg-client.js';
import { poolOf } from '../driver/pool.js';

/** The bulk inserts under way, by their clients. */
const feeds = new WeakMap<PgClient, CopyFeed>();

/** @returns ends it */
export function noteBulkInsert(client: PgClient, feed: CopyFeed): () => void {
  feeds.set(client, feed);
  return () => void feeds.delete(client);
}

/**
 * Whether somebody waits for a connection of the pool while all of them are taken and none has a
 * statement under way: bulk inserts that wait for their items, and transactions between statements.
 */
export function isPoolBlocked(dataSource: DataSource): boolean {
  const { waitingCount, _clients } = poolOf(dataSource);
  if (!waitingCount || !_clients?.every) return false;
  return _clients.every((client) => feeds.get(client)?.isWaiting ?? client.readyForQuery);
}
