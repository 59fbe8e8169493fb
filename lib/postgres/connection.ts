import type { DataSource, Logger, QueryRunner } from 'typeorm';
import { DatabaseError } from '../errors/database-error.js';
import { AS_TEXT, type PgClient, type TextRow } from './pg-client.js';
import { statement, type Statement } from './statement.js';

/** Something that runs statements of ours. */
export interface Connection {
  /** Whether its statements are undone together. */
  readonly inTransaction: boolean;
  /** @throws DatabaseError with the driver's error as its cause */
  run(statement: Statement, values: unknown[]): Promise<TextRow[]>;
  /** Runs `work` in a transaction: the one that the connection is in, or one for the purpose. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
}

/** How statements are sent, the same for every connection of a client. */
export interface ConnectionSettings extends StatementSettings {
  readonly dataSource: DataSource;
}

/** What is needed of them once there is a connection. */
export interface StatementSettings {
  /** Whose logger and slow-query limit see the statements: a data source, or what stands for one. */
  readonly dataSource: {
    readonly logger: Pick<Logger, 'logQuery' | 'logQueryError' | 'logQuerySlow'>;
    readonly options: { readonly maxQueryExecutionTime?: number };
  };
  /** Whether statements are prepared under a name. */
  readonly preparedStatements: boolean;
}

/**
 * Runs on one raw client of `pg`, in a transaction that somebody else begins and ends. TypeORM's own
 * `query()` would send and plan the whole text each time; its logger and its slow-query limit see
 * the statement all the same, without the values, since args may hold what must not be logged.
 */
export class ClientConnection implements Connection {
  readonly inTransaction = true;
  readonly #client: PgClient;
  readonly #settings: StatementSettings;
  readonly #queryRunner: QueryRunner | undefined;

  constructor(client: PgClient, settings: StatementSettings, queryRunner?: QueryRunner) {
    this.#client = client;
    this.#settings = settings;
    this.#queryRunner = queryRunner;
  }

  async run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    const { dataSource, preparedStatements } = this.#settings;
    const { text, name } = statement;
    dataSource.logger.logQuery(text, undefined, this.#queryRunner);
    const begin = Date.now();
    try {
      const query = { text, values, types: AS_TEXT };
      const { rows } = await this.#client.query(preparedStatements ? { name, ...query } : query);
      const took = Date.now() - begin;
      const { maxQueryExecutionTime } = dataSource.options;
      if (maxQueryExecutionTime && took > maxQueryExecutionTime) {
        dataSource.logger.logQuerySlow(took, text, undefined, this.#queryRunner);
      }
      return rows as TextRow[];
    } catch (cause) {
      const error = new DatabaseError(statement.operation, cause);
      // The message alone: the driver's error quotes the values of a row that was refused.
      dataSource.logger.logQueryError(error.message, text, undefined, this.#queryRunner);
      throw error;
    }
  }

  async transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return await work(this);
  }
}

// The level is named, since a session's default may be one in which the lock path cannot work.
const BEGIN = statement('begin', 'BEGIN ISOLATION LEVEL READ COMMITTED');
const COMMIT = statement('commit', 'COMMIT');
const ROLLBACK = statement('rollback', 'ROLLBACK');

/** Runs `work` between BEGIN and COMMIT, or ROLLBACK where it fails. */
export async function inTransaction<T>(
  connection: ClientConnection,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await connection.run(BEGIN, []);
  try {
    const result = await work(connection);
    await connection.run(COMMIT, []);
    return result;
  } catch (error) {
    // Where this fails too, the connection is given back as broken.
    await connection.run(ROLLBACK, []).catch(() => undefined);
    throw error;
  }
}

/** Runs each statement on a connection of the pool's, outside any transaction. */
export class PoolConnection implements Connection {
  readonly inTransaction = false;
  readonly #settings: ConnectionSettings;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  async run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    return await this.#onClient(statement.operation, (connection) =>
      connection.run(statement, values),
    );
  }

  async transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return await this.#onClient('begin', (connection) => inTransaction(connection, work));
  }

  async #onClient<T>(
    operation: string,
    work: (connection: ClientConnection) => Promise<T>,
  ): Promise<T> {
    const queryRunner = this.#settings.dataSource.createQueryRunner('master');
    let client: PgClient | undefined;
    try {
      client = await rawClient(queryRunner, operation);
      return await work(new ClientConnection(client, this.#settings, queryRunner));
    } catch (error) {
      // Whoever waits for a connection must not be given this one, which is about to close.
      if (error instanceof DatabaseError && error.endsConnection) close(client);
      throw error;
    } finally {
      await giveBack(queryRunner, client);
    }
  }
}

/** The client of `pg` beneath a query runner, connected if it was not. */
export async function rawClient(queryRunner: QueryRunner, operation: string): Promise<PgClient> {
  try {
    return (await queryRunner.connect()) as PgClient;
  } catch (cause) {
    throw new DatabaseError(operation, cause);
  }
}

/** Gives a connection back to the pool. One that is still in a transaction is closed instead. */
export async function giveBack(
  queryRunner: QueryRunner,
  client: PgClient | undefined,
): Promise<void> {
  if (client?.getTransactionStatus() !== 'I') close(client);
  await queryRunner.release();
}

function close(client: PgClient | undefined): void {
  void client?.end?.().catch(() => undefined);
}
