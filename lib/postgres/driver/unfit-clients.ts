import { close, type PgClient } from './pg-client.js';
import { poolOf } from './pool.js';

const unfit = new WeakSet<PgClient>();
const watched = new WeakSet<object>();

/**
 * Marks a client of a server that takes no writes. Its pool closes it once it is given back, by whom
 * ever, and opens another, which may find the new primary. A transaction that is open on it goes on to
 * its end.
 */
export function markUnfit(client: PgClient, dataSource: object): void {
  unfit.add(client);
  const pool = poolOf(dataSource);
  if (watched.has(pool)) return;
  watched.add(pool);
  // The pool looks at the client after this event.
  pool.on?.('release', (_error, released) => {
    if (unfit.has(released)) close(released);
  });
}
