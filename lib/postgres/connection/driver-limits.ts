import { Logger } from '@nestjs/common';
import type { Connection } from './connection.js';
import type { PgClient } from '../driver/pg-client.js';

/** The limits of a client of `pg`, wherever set, read from its internals. */
interface LimitedClient {
  readonly connectionParameters?: { readonly query_timeout?: unknown };
  readonly _connectionTimeoutMillis?: unknown;
}

/** Data sources that were warned of, so that several clients of one warn once. */
const warned = new WeakSet<object>();

/**
 * Warns where the driver waits forever. A limit of ours would not bound what else the application
 * sends on the same pool, and one for all of it is the application's to choose.
 */
export function warnOfSilence(dataSource: object, connection: Connection): void {
  const { client } = connection as { readonly client?: PgClient };
  const missing = missingLimits(client);
  if (missing.length === 0 || warned.has(dataSource)) return;
  warned.add(dataSource);
  const limits = missing.map((name) => `${name}: ${SUGGESTED[name]}`).join(', ');
  new Logger('RiverModule').warn(
    `The data source has no ${missing.join(' and no ')}: when the network falls silent, inserts and all other ` +
      `statements wait for many minutes. Set extra: { ${limits} } in its options. See "When the network ` +
      'falls silent" in the README of nestjs-river.',
  );
}

const SUGGESTED = { query_timeout: 60_000, connectionTimeoutMillis: 10_000 } as const;

/** None of a driver that is not known. */
function missingLimits(client: (PgClient & LimitedClient) | undefined): (keyof typeof SUGGESTED)[] {
  if (client?.connectionParameters === undefined) return [];
  const limits = {
    query_timeout: client.connectionParameters.query_timeout,
    connectionTimeoutMillis: client._connectionTimeoutMillis,
  };
  return (['query_timeout', 'connectionTimeoutMillis'] as const).filter(
    (name) => !(Number(limits[name]) > 0),
  );
}
