import type { EntityManager, QueryRunner } from 'typeorm';
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
  readonly #release: () => Promise<void>;
  /** Settled when the last statement asked for so far is done; never rejects. */
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** The first failure of a statement: why a commit became impossible. */
  #failure: unknown;
  readonly #afterCommit: (() => void)[] = [];

  private constructor(queryRunner: QueryRunner, client: PgClient) {
    this.queryRunner = queryRunner;
    this.#client = client;
    this.#release = queryRunner.release.bind(queryRunner);
    // Work that releases the runner out of habit would give away a connection in a transaction.
    queryRunner.release = () => Promise.resolve();
    scopes.set(queryRunner, this);
  }

  /** Begins a transaction on a fresh query runner. */
  static async begin(
    queryRunner: QueryRunner,
    isolation: IsolationLevel | undefined,
  ): Promise<TransactionScope> {
    const client = await rawClient(queryRunner, 'begin');
    try {
      await queryRunner.startTransaction(isolation);
    } catch (error) {
      // It may have begun nevertheless: a subscriber is told after START TRANSACTION.
      await giveBack(queryRunner, client);
      throw error;
    }
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
   * @throws TransactionRolledBackError when a statement had failed
   * @throws RiverTransactionError when there is nothing to commit any more
   */
  async commit(): Promise<void> {
    await this.#drain();
    await this.#requireCommittable();
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
    this.queryRunner.release = this.#release;
    await giveBack(this.queryRunner, this.#client);
  }

  /** Puts TypeORM's statements on this runner into the queue. Subscribers of the end still may ask. */
  #queueStatements(): void {
    const runner = this.queryRunner as {
      readonly manager: EntityManager;
      query: (...args: Parameters<QueryRunner['query']>) => Promise<unknown>;
    };
    const query = runner.query.bind(runner);
    runner.query = (...args) => {
      const isCommit = args[0] === 'COMMIT';
      const isRollback = args[0] === 'ROLLBACK';
      // A COMMIT that failed has ended it for everybody but the ROLLBACK that follows.
      if (isRollback) this.#ended = false;
      const answer = this.#enqueue('A statement', async () => {
        if (isCommit) await this.#requireCommittable();
        return await query(...args);
      });
      if (isCommit || isRollback) this.#ended = true;
      return answer;
    };
    this.#refuseLate(runner.manager, 'query');
    this.#refuseLate(runner.manager, 'transaction');
  }

  /** TypeORM's own refusal, at a manager whose runner is released, would not say what to do. */
  #refuseLate(manager: EntityManager, method: 'query' | 'transaction'): void {
    const own = manager[method].bind(manager) as (...args: unknown[]) => Promise<unknown>;
    Object.defineProperty(manager, method, {
      value: (...args: unknown[]) =>
        this.#ended ? Promise.reject(new TransactionEndedError('A statement')) : own(...args),
    });
  }

  /**
   * Asked at the moment of the COMMIT, since Postgres would answer that of a failed transaction with
   * a ROLLBACK, and that of none with a warning: both without an error.
   */
  async #requireCommittable(): Promise<void> {
    const failure = this.#failure;
    // After an error the server tells the status in a message of its own, which may still be under
    // way. A statement is answered after it, and fails where the transaction has.
    const isFailed =
      failure !== undefined &&
      (await this.#client.query({ text: 'SELECT 1', values: [] }).then(
        () => false,
        () => true,
      ));
    const status = this.#client.getTransactionStatus();
    if (isFailed || status === 'E') throw new TransactionRolledBackError(failure);
    if (status === 'I') throw endedByItself();
  }

  #enqueue<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#ended) return Promise.reject(new TransactionEndedError(what));
    const answer = this.#queue.then(run);
    this.#queue = answer.then(
      () => {
        // What failed in a savepoint is forgotten with it.
        if (this.#client.getTransactionStatus() === 'T') this.#failure = undefined;
      },
      (failure: unknown) => {
        this.#failure ??= failure;
      },
    );
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

/** What had been done by then may be stored or not, so nobody must be told that it is. */
function endedByItself(): RiverTransactionError {
  return new RiverTransactionError(
    'The transaction was ended within, by a COMMIT or ROLLBACK of its own. Leave the end to ' +
      'run(...) or @RiverTransactional(): return to commit, throw to roll back.',
    { code: 'RIVER_TRANSACTION_ENDED' },
  );
}

/** Postgres' isolation levels, as TypeORM names them. */
export type IsolationLevel =
  'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
