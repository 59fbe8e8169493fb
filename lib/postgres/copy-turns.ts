import type { PgClient } from './pg-client.js';

const turns = new WeakMap<PgClient, Promise<unknown>>();

/** Runs one thing after the other on a client. */
export function inTurn<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  const before = turns.get(client);
  const turn = before === undefined ? work() : before.then(work);
  turns.set(
    client,
    turn.catch(() => undefined),
  );
  return turn;
}

/**
 * Whether statements wait for the one that a client is busy with. A look into `pg`, which says so in
 * no other way; without it, a wait for items that wait for this client is not found out.
 */
export function isQueued(client: PgClient): boolean {
  const { _queryQueue } = client as { readonly _queryQueue?: unknown };
  return Array.isArray(_queryQueue) && _queryQueue.length > 0;
}
