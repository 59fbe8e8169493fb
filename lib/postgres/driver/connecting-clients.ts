import type { DataSource } from 'typeorm';

/** What is read of a pool of `pg`, which offers no other way. Where it lacks something, nothing is closed. */
interface Pool {
  readonly _clients?: readonly {
    /** False until the server has answered. */
    readonly _connected?: boolean;
    readonly connection?: { readonly stream?: { destroy?(): void } };
  }[];
}

/**
 * Closes connections that are still being opened. A pool that ends waits for them, without end where
 * the server has fallen silent and the application has set no `connectionTimeoutMillis`.
 */
export function closeConnecting({ driver }: DataSource): void {
  const { master, slaves = [] } = driver as { master?: Pool; slaves?: readonly Pool[] };
  for (const pool of [master, ...slaves]) {
    for (const client of pool?._clients ?? []) {
      if (client._connected === false) client.connection?.stream?.destroy?.();
    }
  }
}
