import type { DataSource } from 'typeorm';
import type { CopyFeed } from './copy-feed.js';
import type { PgClient } from './pg-client.js';

/** What is read of a pool of `pg`. Where it lacks something, a deadlock is not found out. */
interface Pool {
  readonly waitingCount: number;
  readonly _clients: readonly (PgClient & { readonly readyForQuery: boolean })[];
}

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
  if (!waitingCount || !Array.isArray(_clients)) return false;
  return (_clients as Pool['_clients']).every(
    (client) => feeds.get(client)?.isWaiting ?? client.readyForQuery,
  );
}

/** Whether somebody waits for a connection of the pool, so that another request would wait, too. */
export function hasWaiters(dataSource: DataSource): boolean {
  return (poolOf(dataSource).waitingCount ?? 0) > 0;
}

function poolOf({ driver }: DataSource): Partial<Pool> {
  return (driver as { master?: unknown }).master ?? {};
}
