import { QueryFailedError, type DataSource, type QueryRunner } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  RiverTransactionError,
  TransactionEndedError,
  TransactionEndedWithinError,
  TransactionRolledBackError,
} from '../../errors/transaction-error.js';
import { concealed } from '../../errors/conceal.js';
import { DatabaseError } from '../../errors/database-error.js';
import { giveBack } from '../../postgres/connection.js';
import { isClosed } from '../../postgres/pg-client.js';
import { mayBeCommitted } from '../../postgres/statement-outcome.js';
import { StatementLog } from '../../postgres/statement-log.js';
import type { Abort } from '../context/abort.js';
import { isEnding, runInLevel, type Holder } from '../context/ambient-transaction.js';
import type { BegunTransaction } from './begin-transaction.js';
import { askCommitOutcome } from './commit-outcome.js';
import { endIsOurs, endsTransaction } from '../statements/forbidden-statements.js';
import { admitQuerySubscribers } from './query-subscribers.js';
import { StatementQueue } from '../statements/statement-queue.js';
import { turnOn } from '../statements/statement-turn.js';
import { streamInTurn } from './stream-turn.js';
import { registerRoot, scopeOf } from '../statements/scope-of.js';
import type { RiverTransactionOptions } from '../context/transaction-options.js';
import { TransactionScope } from '../statements/transaction-scope.js';

const DEFAULT_UNAWAITED_LIMIT_MS = 5_000;

/** How a transaction was asked for. */
interface Opening {
  readonly dataSource: DataSource;
  readonly queryRunner: QueryRunner;
  readonly name: string;
  readonly options: RiverTransactionOptions;
  readonly abort: Abort;
}

/** A transaction of ours on a connection of its own, from BEGIN to COMMIT or ROLLBACK. */
export class OpenTransaction implements Holder {
  readonly scope: TransactionScope;
  readonly #dataSource: DataSource;
  readonly #query: QueryRunner['query'];
  readonly #options: RiverTransactionOptions;
  readonly #savepoints: StatementQueue;
  readonly #release: () => Promise<void>;
  readonly #openAt = performance.now();
  readonly abort: Abort;
  /** Until the connection is given back. */
  isHeld = true;
  /** What TypeORM and its subscribers do within it is the end of this transaction. */
  #ending: object | undefined;
  #isCommitSent = false;
  #isCommitted = false;

  private constructor(
    scope: TransactionScope,
    {
      dataSource,
      query,
      options,
      savepoints,
      abort,
    }: {
      dataSource: DataSource;
      query: QueryRunner['query'];
      options: RiverTransactionOptions;
      savepoints: StatementQueue;
      abort: Abort;
    },
  ) {
    this.#savepoints = savepoints;
    this.abort = abort;
    this.scope = scope;
    this.#dataSource = dataSource;
    this.#query = query;
    this.#options = options;
    this.#release = scope.queryRunner.release.bind(scope.queryRunner);
  }

  static on(
    { client, watch }: BegunTransaction,
    { dataSource, queryRunner, name, options, abort }: Opening,
  ): OpenTransaction {
    const query: QueryRunner['query'] = queryRunner.query.bind(queryRunner);
    const savepoints = new StatementQueue(client);
    const scope: TransactionScope = new TransactionScope({
      dataSource,
      name,
      queryRunner,
      client,
      watch,
      options,
      unawaitedLimitMs: options.unawaitedLimitMs ?? DEFAULT_UNAWAITED_LIMIT_MS,
      detach: options.afterEnd === 'detach',
      send: (sql) => {
        if (scope.shared.isOver)
          return Promise.reject(new TransactionEndedError('A nested transaction'));
        const begin = (): Promise<unknown> => {
          if (watch.lost !== undefined) return Promise.reject(watch.lost);
          watch.expectSavepoint(sql);
          return query(sql);
        };
        return turnOn(client) === undefined ? savepoints.push(begin) : begin();
      },
    });
    const transaction = new OpenTransaction(scope, {
      dataSource,
      query,
      options,
      savepoints,
      abort,
    });
    transaction.#takeOver();
    return transaction;
  }

  /** Waits for everything that was begun in it; see {@link TransactionScope.settle}. */
  settle(): Promise<void> {
    return this.scope.settle();
  }

  /**
   * @throws DatabaseError when the connection broke before
   * @throws TransactionRolledBackError when a statement had failed, or the server answered ROLLBACK
   * @throws CommitOutcomeUnknownError when the connection broke during COMMIT
   */
  async commit(reportSubscriberError: (error: unknown) => void): Promise<void> {
    const { scope } = this;
    const { queryRunner, client, watch } = scope.shared;
    if (watch.lost !== undefined) throw watch.lost;
    const status = client.getTransactionStatus();
    if (status === 'E') throw new TransactionRolledBackError(scope.firstFailure);
    if (status === 'I') throw new TransactionEndedWithinError('COMMIT');
    if (this.#options.trackOutcome && scope.shared.xid === undefined) {
      const answer: unknown = await scope.enqueue('A statement', () =>
        this.#query('SELECT pg_current_xact_id_if_assigned()::text AS xid'),
      );
      scope.shared.xid = (answer as { xid: string | null }[])[0]?.xid ?? undefined;
    }
    try {
      await this.#end(() => queryRunner.commitTransaction());
    } catch (error) {
      // A subscriber that is told after the COMMIT cannot change what is a fact.
      if (!this.#isCommitted) throw error;
      reportSubscriberError(error);
    }
    if (!this.#isCommitted) throw unfinishedNested();
  }

  /** Refuses what comes now, waits for what is under way, and rolls back. Never throws. */
  async rollback(): Promise<void> {
    this.scope.refuseQuietly();
    await this.scope.idle();
    this.scope.shared.isOver = true;
    await this.#savepoints.idle();
    const { queryRunner } = this.scope;
    this.scope.shared.watch.expectEnd('ROLLBACK');
    try {
      if (queryRunner.isTransactionActive && !queryRunner.isReleased)
        await this.#end(() => queryRunner.rollbackTransaction());
    } catch {
      // The caller is told what made us roll back. A connection still in the transaction is closed.
    }
  }

  /** A COMMIT that is given up for a ROLLBACK is no end any more, and what it goes on with is rejected. */
  #end(work: () => Promise<void>): Promise<void> {
    const { dataSource, name } = this.scope.shared;
    const ending = (this.#ending = {});
    return runInLevel({ dataSource, name, ending, holder: this }, work);
  }

  get #isEnding(): boolean {
    return this.#ending !== undefined && isEnding(this.#ending);
  }

  /** Whether the server may have the COMMIT. */
  get isCommitSent(): boolean {
    return this.#isCommitSent;
  }

  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** Closes the connection under a statement that does not end. What was not sent by then never is. */
  cut(): void {
    this.scope.cut();
  }

  outcomeUnknown(cause: unknown): CommitOutcomeUnknownError {
    const lost = { xid: this.scope.shared.xid, openAt: this.#openAt };
    return new CommitOutcomeUnknownError(cause, () => askCommitOutcome(this.#dataSource, lost));
  }

  async release(): Promise<void> {
    const { queryRunner, client, watch } = this.scope.shared;
    this.scope.refuse();
    queryRunner.release = this.#release;
    watch.stop();
    this.isHeld = false;
    await giveBack(queryRunner, client);
  }

  /** Puts the statements of the runner into the queue of the scope that asks. */
  #takeOver(): void {
    const { scope } = this;
    const runner = scope.queryRunner as unknown as {
      query: (...args: Parameters<QueryRunner['query']>) => Promise<unknown>;
      stream: QueryRunner['stream'];
      release: () => Promise<void>;
    };
    runner.query = (...args) => {
      if (args[0] === 'COMMIT' && this.#isEnding)
        return this.scope.isSettled ? this.#sendCommit() : this.#commitSettled();
      // TypeORM's own ROLLBACK, and what subscribers ask while they are told of the end.
      if (scope.hasEnded && this.#isEnding) return this.#query(...args);
      if (endsTransaction(args[0])) return Promise.reject(endIsOurs());
      const asker = scopeOf(scope.queryRunner) ?? scope;
      return asker.enqueue('A statement', () => this.#query(...args));
    };
    const stream = runner.stream.bind(runner);
    runner.stream = (...args) => streamInTurn(scopeOf(scope.queryRunner) ?? scope, stream, args);
    // Work that releases the runner out of habit would give away a connection in a transaction.
    runner.release = () => Promise.resolve();
    admitQuerySubscribers(scope.shared);
    registerRoot(scope);
  }

  /** What was begun while subscribers kept us waiting is part of the transaction, too. */
  async #commitSettled(): Promise<unknown> {
    do await this.scope.settle();
    while (!this.scope.isSettled);
    return await this.#sendCommit();
  }

  /** The last in the queue. Sent on the raw client, whose answer says whether it was a COMMIT. */
  #sendCommit(): Promise<unknown> {
    const { scope } = this;
    const { client, queryRunner, watch } = scope.shared;
    const answer = scope.enqueueAlone('COMMIT', async () => {
      this.abort.throwIfAborted();
      // Before anybody hears of it: a logger may have something to write down.
      scope.refuse();
      new StatementLog(this.#dataSource, queryRunner).begin('COMMIT');
      const isSent = !isClosed(client);
      try {
        watch.expectEnd('COMMIT');
        this.#isCommitSent = true;
        const { command } = await client.query({ text: 'COMMIT', values: [] });
        if (watch.endedWithin !== undefined) throw watch.endedWithin;
        if (command !== 'COMMIT') throw new TransactionRolledBackError(scope.firstFailure);
        this.#isCommitted = true;
      } catch (cause) {
        if (cause instanceof RiverTransactionError) throw cause;
        if (!isSent) throw new DatabaseError('commit', cause);
        if (mayBeCommitted(cause)) throw this.outcomeUnknown(cause);
        throw concealed(new QueryFailedError('COMMIT', undefined, cause as Error));
      }
    });
    scope.refuse();
    return answer;
  }
}

/** TypeORM has then released a savepoint instead of committing: the whole is rolled back. */
function unfinishedNested(): RiverTransactionError {
  return new RiverTransactionError(
    'A nested queryRunner.startTransaction() had not ended when the transaction was to be committed, ' +
      'so all of it was rolled back. Commit or roll back the nested one first.',
    { code: 'RIVER_INVALID_TRANSACTION' },
  );
}
