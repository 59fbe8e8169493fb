import type { ClientConnection, Connection, ExclusiveWork } from './connection.js';
import type { PgClient, TextRow } from '../driver/pg-client.js';
import type { Statement } from './statement.js';

/** A connection of the pool that is outside any transaction, for one piece of work. */
export class LentConnection implements Connection {
  readonly inTransaction = false;
  readonly client: PgClient;
  isShared = false;
  /** Whether anything was sent. */
  hasSent = false;
  readonly #connection: ClientConnection;
  readonly #begin: Connection['transaction'];

  /** @param begin runs work on the same connection between BEGIN and COMMIT */
  constructor(connection: ClientConnection, begin: Connection['transaction']) {
    this.client = connection.client;
    this.#connection = connection;
    this.#begin = begin;
  }

  run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    this.hasSent = true;
    return this.#connection.run(statement, values);
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    this.hasSent = true;
    return this.#begin(work);
  }

  exclusive<T>(work: ExclusiveWork<T>): Promise<T> {
    return this.#connection.exclusive(work);
  }
}
