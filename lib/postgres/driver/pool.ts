import type { PgClient } from './pg-client.js';

/** What is read of a pool of `pg`. Another driver's pool may lack all of it. */
interface Pool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly options: { readonly connectionTimeoutMillis?: number | undefined };
  readonly _clients: readonly (PgClient & { readonly readyForQuery: boolean })[];
  on(event: 'release', listener: (error: unknown, client: PgClient) => void): unknown;
}

/** A data source, or a query runner of TypeORM's Postgres driver. */
interface Pooled {
  readonly driver?: unknown;
}

export function poolOf({ driver }: Pooled): Partial<Pool> {
  return (driver as { master?: Partial<Pool> } | undefined)?.master ?? {};
}

/** Whether the pool can give a connection at once. */
export function hasIdle(pooled: Pooled): boolean {
  return (poolOf(pooled).idleCount ?? 0) > 0;
}

/** Whether somebody waits for a connection of the pool, so that another request would wait, too. */
export function hasWaiters(pooled: Pooled): boolean {
  return (poolOf(pooled).waitingCount ?? 0) > 0;
}

/** After how many milliseconds a request for a connection fails; 0 where it waits without a limit. */
export function connectionTimeoutMs(pooled: Pooled): number {
  return poolOf(pooled).options?.connectionTimeoutMillis ?? 0;
}

/** The state of the pool, for a message. */
export function poolState(pooled: Pooled): string {
  const { totalCount, idleCount, waitingCount } = poolOf(pooled);
  return `${totalCount} open, ${idleCount} idle, ${waitingCount} requests waiting`;
}
