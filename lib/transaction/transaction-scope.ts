import type { QueryRunner } from 'typeorm';
import {
  RiverTransactionError,
  TransactionEndedError,
  TransactionRolledBackError,
} from '../errors/transaction-error.js';
import {
  ClientConnection,
  giveBack,
  rawClient,
  type Connection,
  type ConnectionSettings,
} from '../postgres/connection.js';
import type { PgClient } from '../postgres/pg-client.js';
import type { AmbientTransaction } from './ambient-transaction.js';

const scopes = new WeakMap<QueryRunner, TransactionScope>();

/** The scope of a query runner that our helper opened. */
export function scopeOf(queryRunner: QueryRunner): TransactionScope | undefined {
  return scopes.get(queryRunner);
}

/**
 * A transaction of ours, from BEGIN to its end. Every statement on its query runner, TypeORM's and
 * our own, goes through one queue in the turn in which it was asked for. The end is the last in the
 * queue: what nobody awaited is still part of the transaction, and what comes later is refused
 * instead of running by itself on a connection that is free again.
 */
export class TransactionScope implements AmbientTransaction {
  readonly queryRunner: QueryRunner;
  readonly #client: PgClient;
  /** Settled when the last statement asked for so far is done; never rejects. */
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** The first failure of a statement: why a commit became impossible. */
  #failure: unknown;
  readonly #afterCommit: (() => void)[] = [];

  private constructor(queryRunner: QueryRunner, client: PgClient) {
    this.queryRunner = queryRunner;
    this.#client = client;
    scopes.set(queryRunner, this);
  }

  /** Begins a transaction on a fresh query runner. */
  static async begin(
    queryRunner: QueryRunner,
    isolation: IsolationLevel | undefined,
  ): Promise<TransactionScope> {
    const client = await rawClient(queryRunner, 'begin');
    await queryRunner.startTransaction(isolation);
    const scope = new TransactionScope(queryRunner, client);
    scope.#queueStatements();
    return scope;
  }

  connection(settings: ConnectionSettings): Connection {
    const client = new ClientConnection(this.#client, settings, this.queryRunner);
    const connection: Connection = {
      run: (statement, values) => this.#enqueue('An insert', () => client.run(statement, values)),
      transaction: (work) => work(connection),
    };
    return connection;
  }

  afterCommit(hook: () => void): void {
    this.#afterCommit.push(hook);
  }

  /**
   * @throws TransactionRolledBackError when a statement had failed: Postgres would answer the COMMIT
   *   of such a transaction with a ROLLBACK, and without an error.
   */
  async commit(): Promise<void> {
    await this.#drain();
    if (this.#client.getTransactionStatus() === 'E') {
      const failure = this.#failure;
      await this.rollback();
      throw new TransactionRolledBackError(failure);
    }
    await this.queryRunner.commitTransaction();
    if (this.queryRunner.isTransactionActive) throw unfinishedNested();
    for (const hook of this.#afterCommit) hook();
  }

  /** Rolls back. A connection that cannot even do that is closed, not given back to the pool. */
  async rollback(): Promise<void> {
    await this.#drain();
    try {
      if (this.queryRunner.isTransactionActive) await this.queryRunner.rollbackTransaction();
    } catch {
      // The caller is told of what made us roll back. Without a connection there is no transaction.
    }
  }

  /** Gives the connection back; a broken one, or one still in a transaction, leaves the pool. */
  async release(): Promise<void> {
    this.#ended = true;
    await giveBack(this.queryRunner, this.#client);
  }

  /** Puts TypeORM's statements on this runner into the queue. Subscribers of the end still may ask. */
  #queueStatements(): void {
    const runner = this.queryRunner as {
      query: (...args: Parameters<QueryRunner['query']>) => Promise<unknown>;
    };
    const query = runner.query.bind(runner);
    runner.query = (...args) => {
      const isEnd = args[0] === 'COMMIT' || args[0] === 'ROLLBACK';
      const answer = this.#enqueue('A statement', () => query(...args));
      if (isEnd) this.#ended = true;
      return answer;
    };
  }

  #enqueue<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#ended) return Promise.reject(new TransactionEndedError(what));
    const answer = this.#queue.then(run);
    this.#queue = answer.catch((failure: unknown) => {
      this.#failure ??= failure;
    });
    return answer;
  }

  /** Waits until nothing is in the queue, also of what was asked for while waiting. */
  async #drain(): Promise<void> {
    let seen: Promise<unknown>;
    do {
      seen = this.#queue;
      await seen;
    } while (seen !== this.#queue);
  }
}

/** TypeORM has then released a savepoint instead of committing: the whole is rolled back. */
function unfinishedNested(): RiverTransactionError {
  return new RiverTransactionError(
    'A nested manager.transaction(...) had not ended when the transaction was to be committed, so ' +
      'all of it was rolled back. Await the nested transaction.',
    { code: 'RIVER_INVALID_TRANSACTION' },
  );
}

/** Postgres' isolation levels, as TypeORM names them. */
export type IsolationLevel =
  'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
