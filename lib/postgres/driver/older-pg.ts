import type { EventEmitter } from 'node:events';
import { DatabaseError } from '../../errors/database-errors.js';

/** What every client has once it is completed. */
interface CompleteClient {
  query(config: { text: string; values: unknown[] }): Promise<unknown>;
  getTransactionStatus(): string | null;
}

/** What is read of a client of `pg` below 8.21. */
interface OlderClient {
  readonly getTransactionStatus?: unknown;
  /** Emits the messages of the server. */
  readonly connection?: Partial<EventEmitter>;
  readonly activeQuery?: unknown;
  readonly queryQueue?: unknown;
}

/** What is read of its pool. */
interface OlderPool extends Partial<EventEmitter> {
  readonly Client?: { readonly prototype?: object };
  readonly _clients?: readonly object[];
  readonly _idle?: readonly { readonly client: object }[];
}

interface Pooled {
  readonly driver?: unknown;
}

const completed = new WeakSet<object>();

/**
 * Gives a client of `pg` below 8.21 what later ones have: the status of its transaction, which the server
 * reports in each ReadyForQuery message, and the names of its queries.
 *
 * @param status the status until the next message; null where it is not known
 */
export function completeClient(client: object, status: string | null): void {
  const { getTransactionStatus, connection } = client as OlderClient;
  if (typeof getTransactionStatus === 'function' || !connection?.prependListener) return;
  let current = status;
  // Before the listener of the client itself, which calls back those who wait for the query.
  connection.prependListener('readyForQuery', (message: { readonly status?: string }) => {
    current = message.status ?? null;
  });
  Object.defineProperty(client, 'getTransactionStatus', { value: () => current });
  rename(client, '_activeQuery', 'activeQuery');
  rename(client, '_queryQueue', 'queryQueue');
}

function rename(client: object, name: string, olderName: keyof OlderClient): void {
  if (name in client) return;
  Object.defineProperty(client, name, { get: () => (client as OlderClient)[olderName] });
}

/** Completes the clients of a data source's pools: those that are open, and all that will be. */
export function completeClients({ driver }: Pooled): void {
  const { master, slaves } = (driver ?? {}) as {
    readonly master?: OlderPool;
    readonly slaves?: readonly OlderPool[];
  };
  if (master === undefined || completed.has(master)) return;
  for (const pool of [master, ...(slaves ?? [])]) completePool(pool);
}

function completePool(pool: OlderPool): void {
  completed.add(pool);
  if ('getTransactionStatus' in (pool.Client?.prototype ?? {})) return;
  pool.on?.('connect', (client: object) => completeClient(client, 'I'));
  const idle = new Set(pool._idle?.map(({ client }) => client));
  for (const client of pool._clients ?? []) completeClient(client, idle.has(client) ? 'I' : null);
}

/**
 * Asks the server for the status of a client that was in use when it was completed.
 *
 * @returns undefined when the status is known already
 */
export function learnStatus(client: CompleteClient): Promise<void> | undefined {
  if (client.getTransactionStatus() !== null || !isConnected(client)) return undefined;
  return client.query({ text: '', values: [] }).then(
    () => undefined,
    (cause: unknown) => {
      throw new DatabaseError('transaction', cause);
    },
  );
}

/** Whether a client has been connected. One of `pg` 8.21 has a status from then on. */
export function isConnected(client: CompleteClient): boolean {
  const { _connected } = client as { readonly _connected?: boolean };
  return client.getTransactionStatus() !== null || _connected === true;
}
