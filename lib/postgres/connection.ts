import type { DataSource, Logger, QueryRunner } from 'typeorm';
import { DatabaseError } from '../errors/database-error.js';
import { copyIn, type CopyRows } from './copy-in.js';
import { inTurn, isQueued } from './copy-turns.js';
import { AS_TEXT, type PgClient, type PgQuery, type TextRow } from './pg-client.js';
import { statement, type Statement } from './statement.js';

/** Something that runs statements of ours. */
export interface Connection {
  /** Whether its statements are undone together. */
  readonly inTransaction: boolean;
  /** @throws DatabaseError with the driver's error as its cause */
  run(statement: Statement, values: unknown[]): Promise<TextRow[]>;
  /** Runs `work` in a transaction: the one that the connection is in, or one for the purpose. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Runs `work`, which may take long, on one connection: nothing else of ours is sent on it meanwhile. */
  exclusive<T>(work: ExclusiveWork<T>): Promise<T>;
}

export type ExclusiveWork<T> = (connection: ClientConnection, others: Others) => Promise<T>;

/** Those who are kept waiting by work that has a connection to itself. */
export interface Others {
  /** Whether a statement waits for the connection. */
  areWaiting(): boolean;
  /** Why the work is of no use any more: its transaction is being rolled back. */
  refusal(): Error | undefined;
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
 * Clients whose prepared statements were once not those of the server's session: after DISCARD or
 * DEALLOCATE, or behind a pooler. They are sent texts without names from then on.
 */
const unprepared = new WeakSet<PgClient>();

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

  // A promise more than is needed is felt here, so some of these functions are not async.
  run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    const { text, name } = statement;
    const query = { text, values, types: AS_TEXT };
    if (!this.#settings.preparedStatements || unprepared.has(this.#client)) {
      return this.#send(statement, query);
    }
    return this.#send(statement, { name, ...query }).catch((error: unknown) => {
      if (!(error instanceof DatabaseError && error.isOfPreparedStatements)) throw error;
      const isInTransaction = this.#client.getTransactionStatus() !== 'I';
      // Behind a failed statement of a pipeline it is only that the text was not looked at.
      if (!isInTransaction || this.#client.pipeline !== true) unprepared.add(this.#client);
      // In a transaction everything else would fail now, too.
      if (isInTransaction) throw error;
      return this.#send(statement, query);
    });
  }

  #send({ text, operation }: Statement, query: PgQuery): Promise<TextRow[]> {
    return this.#logged(text, () =>
      this.#client.query(query).then(
        ({ rows }) => rows as TextRow[],
        (cause: unknown) => {
          throw new DatabaseError(operation, cause);
        },
      ),
    );
  }

  /** Whether {@link copy} works: in its pipeline mode `pg` has no COPY. */
  get canCopy(): boolean {
    return this.#client.pipeline !== true;
  }

  /** Runs a COPY ... FROM STDIN; see {@link copyIn}. */
  async copy(statement: Statement, rows: CopyRows): Promise<void> {
    await this.#logged(statement.text, () => copyIn(this.#client, statement, rows));
  }

  async #logged<T>(text: string, send: () => Promise<T>): Promise<T> {
    const { logger, options } = this.#settings.dataSource;
    logger.logQuery(text, undefined, this.#queryRunner);
    const begin = Date.now();
    try {
      const answer = await send();
      const took = Date.now() - begin;
      const { maxQueryExecutionTime } = options;
      if (maxQueryExecutionTime && took > maxQueryExecutionTime) {
        logger.logQuerySlow(took, text, undefined, this.#queryRunner);
      }
      return answer;
    } catch (error) {
      // The message alone: the driver's error quotes the values of a row that was refused.
      if (error instanceof DatabaseError)
        logger.logQueryError(error.message, text, undefined, this.#queryRunner);
      throw error;
    }
  }

  async transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return await work(this);
  }

  async exclusive<T>(work: ExclusiveWork<T>): Promise<T> {
    const others: Others = { areWaiting: () => isQueued(this.#client), refusal: () => undefined };
    return await inTurn(this.#client, () => work(this, others));
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

  run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    return this.#onClient(statement.operation, (connection) => connection.run(statement, values));
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#onClient('begin', (connection) => inTransaction(connection, work));
  }

  exclusive<T>(work: ExclusiveWork<T>): Promise<T> {
    return this.#onClient('insert', (connection) => connection.exclusive(work));
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
export function giveBack(queryRunner: QueryRunner, client: PgClient | undefined): Promise<void> {
  if (client?.getTransactionStatus() !== 'I') close(client);
  return queryRunner.release();
}

/** Closes a connection, whatever it is busy with. In pipeline mode `end()` would wait for that. */
export function close(client: PgClient | undefined): void {
  const { connection } = (client ?? {}) as { connection?: { stream?: { destroy?(): void } } };
  if (client?.pipeline === true && connection?.stream?.destroy) connection.stream.destroy();
  else void client?.end?.().catch(() => undefined);
}
