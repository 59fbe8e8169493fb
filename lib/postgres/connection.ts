import type { DataSource, QueryRunner } from 'typeorm';
import { DatabaseError } from '../errors/database-error.js';
import { AS_TEXT, type PgClient, type TextRow } from './pg-client.js';
import type { Statement } from './statement.js';

/** Something that runs a statement of ours. */
export interface Connection {
  /** @throws DatabaseError with the driver's error as its cause */
  run(statement: Statement, values: unknown[]): Promise<TextRow[]>;
}

/** How statements are sent, the same for every connection of a client. */
export interface ConnectionSettings {
  readonly dataSource: DataSource;
  /** Whether statements are prepared under a name. */
  readonly preparedStatements: boolean;
}

/**
 * Runs on one raw client of `pg`. TypeORM's own `query()` would send and plan the whole text each
 * time; its logger and its slow-query limit see the statement all the same, without the values,
 * since args may hold what must not be logged.
 */
export class ClientConnection implements Connection {
  readonly #client: PgClient;
  readonly #settings: ConnectionSettings;
  readonly #queryRunner: QueryRunner | undefined;

  constructor(client: PgClient, settings: ConnectionSettings, queryRunner?: QueryRunner) {
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
      dataSource.logger.logQueryError(asError(cause), text, undefined, this.#queryRunner);
      throw new DatabaseError(statement.operation, cause);
    }
  }
}

/** Runs each statement on a connection of the pool's, outside any transaction. */
export class PoolConnection implements Connection {
  readonly #settings: ConnectionSettings;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  async run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    const queryRunner = this.#settings.dataSource.createQueryRunner('master');
    try {
      const client = await rawClient(queryRunner, statement.operation);
      return await new ClientConnection(client, this.#settings, queryRunner).run(statement, values);
    } finally {
      await queryRunner.release();
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

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
