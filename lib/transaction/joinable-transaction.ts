import type { Connection, ConnectionSettings } from '../postgres/connection.js';

/** A transaction that an insert can join, whoever opened it. */
export interface JoinableTransaction {
  /** Runs statements of ours in it. */
  connection(settings: ConnectionSettings): Connection;
  /** Keeps the transaction from ending before `begin`'s answer, as far as it is ours to do so. */
  follow<T>(what: string, begin: () => Promise<T>): Promise<T>;
  /** Calls `hook` once it is committed. Absent where somebody else commits and we are not told. */
  afterCommit?(hook: () => void): void;
}
