import { completeClient } from './older-pg.js';

/** A row as Postgres sends it: every value is text. */
export type TextRow = Readonly<Record<string, string | null>>;

/** What is used of a client of `pg`, by shape, so that no type of the driver becomes ours. */
export interface PgClient {
  query(config: PgQuery): Promise<{ rows: unknown[]; command?: string }>;
  /** 'I' idle, 'T' in a transaction, 'E' in a failed transaction. */
  getTransactionStatus(): string | null;
  /** Whether queries are sent before the answers to those before them are there; since pg 8.23. */
  readonly pipeline?: boolean;
  end?(): Promise<void>;
}

/** The form of a query that `pg` takes. */
export interface PgQuery {
  readonly name?: string | undefined;
  readonly text: string;
  readonly values: unknown[];
  readonly types?: { getTypeParser(): (value: string) => string };
}

/** Values stay text, whatever type parsers the application has set for the process. */
export const AS_TEXT = { getTypeParser: () => (value: string) => value };

/** Whether a value is a client of `pg`. One below 8.21 is completed, see {@link completeClient}. */
export function isPgClient(value: unknown): value is PgClient {
  if (typeof value !== 'object' || value === null) return false;
  if (typeof (value as Partial<PgClient>).query !== 'function' || isNative(value.constructor))
    return false;
  completeClient(value, null);
  return typeof (value as Partial<PgClient>).getTransactionStatus === 'function';
}

/**
 * Whether a class of clients is that of `pg-native`, which decodes values on its own and knows neither
 * COPY nor the protocol. Its queries are not told of the columns of a row.
 */
export function isNative(clientClass: unknown): boolean {
  const { Query } = Object(clientClass) as { Query?: unknown };
  return typeof Query === 'function' && !('handleRowDescription' in Query.prototype);
}

/** Whether the connection of a client is gone. A look into `pg`, as its own pool has it. */
export function isClosed(client: PgClient): boolean {
  const { _queryable, _ending } = client as { _queryable?: boolean; _ending?: boolean };
  return _queryable === false || _ending === true;
}

/**
 * Closes a connection, whatever it is busy with. In pipeline mode `end()` alone would wait for that; it
 * keeps the pool from giving the connection to anybody.
 */
export function close(client: PgClient | undefined): void {
  const { connection } = (client ?? {}) as { connection?: { stream?: { destroy?(): void } } };
  if (client?.pipeline === true) connection?.stream?.destroy?.();
  void client?.end?.().catch(() => undefined);
}
