import type { PgClient } from './pg-client.js';

interface Turns {
  last: Promise<unknown>;
  /** How many have not ended. */
  count: number;
}

const turns = new WeakMap<PgClient, Turns>();

/** Runs one thing after the other on a client. */
export function inTurn<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  let all = turns.get(client);
  const turn = all === undefined || all.count === 0 ? work() : all.last.then(work);
  if (all === undefined) turns.set(client, (all = { last: turn, count: 0 }));
  const own = all;
  const leave = (): void => void own.count--;
  own.count++;
  own.last = turn.then(leave, leave);
  return turn;
}

/** Whether something on the client has its turn, so that what is asked for now has to wait. */
export function isBusy(client: PgClient): boolean {
  return (turns.get(client)?.count ?? 0) > 0;
}

/**
 * Whether statements or bulk inserts wait for the one that a client is busy with. A look into `pg`,
 * which says so in no other way; without it, a wait for items that wait for this client is not found
 * out.
 */
export function isQueued(client: PgClient): boolean {
  const { _queryQueue } = client as { readonly _queryQueue?: unknown };
  const isBehind = Array.isArray(_queryQueue) && _queryQueue.length > 0;
  return isBehind || (turns.get(client)?.count ?? 0) > 1;
}
