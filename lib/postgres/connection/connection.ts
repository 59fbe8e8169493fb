import type { DataSource, QueryRunner } from 'typeorm';
import { DatabaseError, sqlStateOf } from '../../errors/database-errors.js';
import { RiverError } from '../../errors/river-error.js';
import { copyIn, type CopyRows } from './copy-in.js';
import { inTurn, isQueued } from '../driver/client-turns.js';
import { AS_TEXT, close, isClosed, type PgClient, type TextRow } from '../driver/pg-client.js';
import { requestClient } from '../driver/request-client.js';
import { StatementLog, type LoggingDataSource } from '../driver/statement-log.js';
import { interruptionIn, interruptionOf, type Interruption } from '../driver/interruption.js';
import { markUnfit } from '../driver/unfit-clients.js';
import { areNamed, stopNamingAfter } from './named-statements.js';
import { beforeSending, outcomeOf, queryUnderWay, type Sent } from './statement-outcome.js';
import { statement, type Statement } from './statement.js';
import { now } from '../../real-time.js';

/** Something that runs statements of ours. */
export interface Connection {
  /** Whether its statements are undone together. */
  readonly inTransaction: boolean;
  /** Whether its inserts are those of several callers, so that they must not wait for a lock. */
  readonly isShared?: boolean;
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
  /** Closes the connection under work that does not end. */
  cut(): void;
}

/** How statements are sent, the same for every connection of a client. */
export interface ConnectionSettings extends StatementSettings {
  readonly dataSource: DataSource;
  /**
   * Calls `cut` when a connection of the pool that is still in use must be closed, since the
   * application ends. Returns what undoes it.
   */
  readonly whenCut?: ((cut: () => void) => () => void) | undefined;
}

/** What is needed of them once there is a connection. */
export interface StatementSettings {
  readonly dataSource: LoggingDataSource;
  /** Whether statements are prepared under a name; undefined: see {@link areNamed}. */
  readonly preparedStatements: boolean | undefined;
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
  readonly client: PgClient;
  readonly #settings: StatementSettings;
  readonly #log: StatementLog;
  readonly #isReadOnly: boolean;

  /** @param isReadOnly whether the transaction that it is in is known to be declared read-only */
  constructor(
    client: PgClient,
    settings: StatementSettings,
    queryRunner?: QueryRunner,
    isReadOnly = false,
  ) {
    this.client = client;
    this.#isReadOnly = isReadOnly;
    this.#settings = settings;
    this.#log = new StatementLog(settings.dataSource, queryRunner);
  }

  // A promise more than is needed is felt here.
  async run(statement: Statement, values: unknown[]): Promise<TextRow[]> {
    const isPrepared = areNamed(this.#settings) && !unprepared.has(this.client);
    const { text } = statement;
    const begin = this.#log.begin(text);
    const before = beforeSending(this.client);
    let query: Sent['query'];
    let rows: unknown[];
    try {
      const name = isPrepared ? statement.name : undefined;
      const answer = this.client.query({ name, text, values, types: AS_TEXT });
      query = queryUnderWay(this.client);
      const result = await answer;
      // One for each statement, where a text without a name holds several.
      ({ rows } = Array.isArray(result) ? (result.at(-1) as typeof result) : result);
    } catch (cause) {
      const error = await this.#failed(statement, cause, { ...before, query, begin });
      this.#log.failure(text, error);
      if (!isPrepared || !this.#mayBeUnprepared(error)) throw error;
      return await this.run(statement, values);
    }
    this.#log.end(text, begin);
    return rows as TextRow[];
  }

  async #failed(
    statement: Statement,
    cause: unknown,
    { begin, ...sent }: Sent & { readonly begin: number },
  ): Promise<DatabaseError> {
    const isOutside = sent.status === 'I';
    const ranMs = now() - begin;
    const interruption = await interruptionOf(cause, this.client, { ranMs, isOutside });
    return this.#errorOf(statement, cause, { ...sent, interruption });
  }

  #errorOf(
    statement: Statement,
    cause: unknown,
    { interruption, ...sent }: Sent & { readonly interruption: Interruption | undefined },
  ): DatabaseError {
    // The server may no longer be the primary.
    const isUnfit = sqlStateOf(cause) === '25006' && !this.#isReadOnly;
    if (isUnfit) markUnfit(this.client, this.#settings.dataSource);
    const error = new DatabaseError(statement.operation, cause, {
      outcome: outcomeOf(cause, statement, sent),
      mayPass: isUnfit ? true : undefined,
      interruption,
    });
    // The server may still complete it: a COMMIT sent behind it would store what is reported as failed,
    // and a statement sent behind a BEGIN would be part of its transaction.
    const leavesMore = sent.status !== 'I' || statement.operation === 'begin';
    if (error.sqlState === undefined && leavesMore && !isClosed(this.client)) close(this.client);
    return error;
  }

  /** Whether a statement that failed is to be sent once more, without a name. */
  #mayBeUnprepared(error: DatabaseError): boolean {
    if (!error.isOfPreparedStatements) return false;
    const isInTransaction = this.client.getTransactionStatus() !== 'I';
    // Behind a failed statement of a pipeline it is only that the text was not looked at.
    if (!isInTransaction || this.client.pipeline !== true || error.isOfCachedPlan) {
      unprepared.add(this.client);
      stopNamingAfter(error, this.#settings);
    }
    // In a transaction everything else would fail now, too.
    return !isInTransaction;
  }

  /** Whether {@link copy} works: in its pipeline mode `pg` has no COPY. */
  get canCopy(): boolean {
    return this.client.pipeline !== true;
  }

  /** Runs a COPY ... FROM STDIN; see {@link copyIn}. */
  async copy(statement: Statement, rows: CopyRows): Promise<number> {
    const begin = this.#log.begin(statement.text);
    const before = beforeSending(this.client);
    let stored: number;
    try {
      stored = await copyIn(this.client, statement.text, {
        ...rows,
        // It is always in a transaction, where nobody can ask the server any more.
        errorOf: (cause) =>
          this.#errorOf(statement, cause, {
            ...before,
            query: undefined,
            interruption: interruptionIn(cause),
          }),
      });
    } catch (error) {
      if (error instanceof DatabaseError) this.#log.failure(statement.text, error);
      throw error;
    }
    this.#log.end(statement.text, begin);
    return stored;
  }

  async transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return await work(this);
  }

  async exclusive<T>(work: ExclusiveWork<T>): Promise<T> {
    const others: Others = {
      areWaiting: () => isQueued(this.client),
      refusal: () => undefined,
      cut: () => close(this.client),
    };
    return await inTurn(this.client, () => work(this, others));
  }
}

// The level is named, since a session's default may be one in which the lock path cannot work.
export const BEGIN = statement('begin', 'BEGIN ISOLATION LEVEL READ COMMITTED');
const COMMIT = statement('commit', 'COMMIT');
const ROLLBACK = statement('rollback', 'ROLLBACK');

/** Runs `work` between BEGIN and COMMIT, or ROLLBACK where it fails. */
export async function inTransaction<T>(
  connection: ClientConnection,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await connection.run(BEGIN, []);
  return await untilCommit(connection, () => work(connection));
}

/** Runs `work` in a transaction that has begun, to its COMMIT, or ROLLBACK where it fails. */
export async function untilCommit<T>(
  connection: ClientConnection,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    await connection.run(COMMIT, []);
    return result;
  } catch (error) {
    if (error instanceof DatabaseError && error.outcome === 'unknown') throw error;
    // Where this fails too, the connection is given back as broken.
    await connection.run(ROLLBACK, []).catch(() => undefined);
    throw error;
  }
}

/** The client of `pg` beneath a query runner, connected if it was not. */
export async function rawClient(queryRunner: QueryRunner, operation: string): Promise<PgClient> {
  try {
    return await requestClient(queryRunner);
  } catch (cause) {
    throw unavailable(operation, cause);
  }
}

/** Errors of ours say themselves why there is no connection. */
export function unavailable(operation: string, cause: unknown): RiverError {
  return cause instanceof RiverError ? cause : new DatabaseError(operation, cause);
}

/** Gives a connection back to the pool. One that is still in a transaction is closed instead. */
export function giveBack(queryRunner: QueryRunner, client: PgClient | undefined): Promise<void> {
  if (client?.getTransactionStatus() !== 'I') close(client);
  return queryRunner.release();
}
