import type { QueryRunner } from 'typeorm';
import { DatabaseError } from '../../errors/database-errors.js';
import { InsertAbortedError } from '../../errors/insert-errors.js';
import { connectUnlessAborted } from '../driver/request-client.js';
import {
  ClientConnection,
  giveBack,
  inTransaction,
  rawClient,
  unavailable,
  type Connection,
  type ConnectionSettings,
  type ExclusiveWork,
} from './connection.js';
import { LentConnection } from './lent-connection.js';
import { close, type PgClient, type TextRow } from '../driver/pg-client.js';
import type { Statement } from './statement.js';

/** Runs work on a query runner that was in a transaction before it was created for us. */
type OnHeld = <T>(
  queryRunner: QueryRunner,
  settings: ConnectionSettings,
  work: (connection: Connection) => Promise<T>,
) => Promise<T>;

const asItIs: OnHeld = async (queryRunner, settings, work) => {
  const client = await rawClient(queryRunner, 'connect');
  return await work(new ClientConnection(client, settings, queryRunner));
};

/**
 * Runs each statement on a connection of the pool's, outside any transaction. Where
 * `createQueryRunner()` returns a query runner that is in a transaction already, as in tests that hold
 * one, that connection belongs to somebody else and is neither closed nor released.
 */
export class PoolConnection implements Connection {
  readonly inTransaction = false;
  readonly #settings: ConnectionSettings;
  readonly #onHeld: OnHeld;
  readonly #signals: readonly AbortSignal[];

  /** @param signals end the wait for a connection, see {@link connectUnlessAborted} */
  constructor(
    settings: ConnectionSettings,
    onHeld: OnHeld = asItIs,
    signals: readonly AbortSignal[] = [],
  ) {
    this.#settings = settings;
    this.#onHeld = onHeld;
    this.#signals = signals;
  }

  /** The same, for a call that ends with these signals while it waits for a connection. */
  until(signals: readonly AbortSignal[]): PoolConnection {
    return new PoolConnection(this.#settings, this.#onHeld, signals);
  }

  /** Runs `work` on one connection, outside any transaction. */
  lend<T>(operation: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const lend = (connection: ClientConnection): Promise<T> =>
      work(new LentConnection(connection, (inner) => inTransaction(connection, inner)));
    return this.#onClient(operation, lend, work);
  }

  run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    return this.#onClient(statement.operation, (connection: Connection) =>
      connection.run(statement, values),
    );
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#onClient('begin', (connection) => inTransaction(connection, work), work);
  }

  exclusive<T>(work: ExclusiveWork<T>): Promise<T> {
    return this.#onClient('insert', (connection: Connection) => connection.exclusive(work));
  }

  /** @param onHeld does the same where the connection is in a transaction already */
  async #onClient<T>(
    operation: string,
    work: (connection: ClientConnection) => Promise<T>,
    onHeld = work as (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const queryRunner = this.#settings.dataSource.createQueryRunner('master');
    if (queryRunner.isTransactionActive)
      return await this.#onHeld(queryRunner, this.#settings, onHeld);
    let client: PgClient | undefined;
    let result: T;
    const leave = this.#settings.whenCut?.(() => close(client));
    try {
      client = await connectUnlessAborted(queryRunner, this.#signals);
      result = await work(new ClientConnection(client, this.#settings, queryRunner));
      requireOutside(client, operation);
    } catch (error) {
      return await failed(error, operation, { queryRunner, client });
    } finally {
      leave?.();
    }
    await giveBack(queryRunner, client);
    return result;
  }
}

/**
 * Whoever had the connection before may have been answered too late that BEGIN is done: then what ran
 * since is part of that transaction, which nobody commits.
 */
function requireOutside(client: PgClient, operation: string): void {
  const status = client.getTransactionStatus();
  if (status !== 'T' && status !== 'E') return;
  close(client);
  const cause = new Error('the connection came from the pool with a BEGIN under way');
  const options = { mayPass: true, outcome: 'not-stored' } as const;
  throw new DatabaseError(operation, Object.assign(cause, { code: '25001' }), options);
}

/** Gives the connection back after an error, and throws what the caller receives. */
async function failed(
  error: unknown,
  operation: string,
  { queryRunner, client }: { queryRunner: QueryRunner; client: PgClient | undefined },
): Promise<never> {
  // The runner is released when it is connected; before that, the pool would lose the connection.
  if (client === undefined && error instanceof InsertAbortedError) throw error;
  // Whoever waits for a connection must not be given this one, which is about to close.
  if (error instanceof DatabaseError && error.endsConnection) close(client);
  await giveBack(queryRunner, client);
  throw client === undefined ? unavailable(operation, error) : error;
}
