import type { DataSource, QueryRunner } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  RiverTransactionError,
  TransactionEndedWithinError,
  TransactionRolledBackError,
} from '../../errors/transaction-errors.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { giveBack } from '../../postgres/connection/connection.js';
import { isClosed } from '../../postgres/driver/pg-client.js';
import { mayBeCommitted } from '../../postgres/connection/statement-outcome.js';
import { StatementLog } from '../../postgres/driver/statement-log.js';
import type { Abort } from '../context/abort.js';
import { isEnding, runInLevel, type Holder } from '../context/ambient-transaction.js';
import type { BegunTransaction } from './begin-transaction.js';
import { askCommitOutcome } from './commit-outcome.js';
import { endIsOurs, endsTransaction } from '../statements/forbidden-statements.js';
import { admitQuerySubscribers } from './query-subscribers.js';
import { Session } from '../statements/session.js';
import { streamInTurn } from './stream-turn.js';
import { registerRoot, scopeOf } from '../statements/scope-of.js';
import type { RiverTransactionOptions } from '../context/transaction-options.js';
import { TransactionScope } from '../statements/transaction-scope.js';
import { now } from '../../real-time.js';

const ASK_XID = 'SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text AS xid';

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
  readonly #session: Session;
  readonly #release: () => Promise<void>;
  readonly #openAt = now();
  readonly abort: Abort;
  /** Until the connection is given back. */
  isHeld = true;
  /** What TypeORM and its subscribers do within it is the end of this transaction. */
  #ending: object | undefined;
  #isCommitSent = false;
  #isCommitted = false;

  constructor(begun: BegunTransaction, { abort, ...opening }: Opening) {
    this.abort = abort;
    this.#session = new Session({ ...opening, ...begun });
    this.scope = new TransactionScope(this.#session);
    const { queryRunner } = opening;
    this.#release = queryRunner.release.bind(queryRunner);
    this.#takeOver();
  }

  /** Waits for everything that was begun in it; see {@link TransactionScope.settle}. */
  settle(): Promise<void> {
    return this.scope.settle();
  }

  /**
   * @throws DatabaseError when the connection broke before, or the server refused, as for a deferred constraint
   * @throws TransactionRolledBackError when a statement had failed, or the server answered ROLLBACK
   * @throws CommitOutcomeUnknownError when the connection broke during COMMIT
   */
  async commit(reportSubscriberError: (error: unknown) => void): Promise<void> {
    const { scope } = this;
    const { queryRunner, client, watch } = this.#session;
    if (watch.lost !== undefined) throw watch.lost;
    const status = client.getTransactionStatus();
    if (status === 'E') throw new TransactionRolledBackError(scope.firstFailure);
    if (status === 'I') throw new TransactionEndedWithinError('COMMIT');
    if (this.#session.options.trackOutcome && this.#session.xid === undefined) {
      const answer: unknown = await scope.enqueue('A statement', () =>
        this.#session.query(ASK_XID),
      );
      this.#session.noteXid((answer as { xid: string | null }[])[0]?.xid);
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
    await this.#session.end();
    const { queryRunner } = this.scope;
    this.#session.watch.expectEnd('ROLLBACK');
    try {
      if (queryRunner.isTransactionActive && !queryRunner.isReleased)
        await this.#end(() => queryRunner.rollbackTransaction());
    } catch {
      // The caller is told what made us roll back. A connection still in the transaction is closed.
    }
  }

  /** A COMMIT that is given up for a ROLLBACK is no end any more, and what it goes on with is rejected. */
  #end(work: () => Promise<void>): Promise<void> {
    const { dataSource, name } = this.#session;
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
    this.#session.cut();
  }

  outcomeUnknown(cause: unknown): CommitOutcomeUnknownError {
    const lost = { xid: this.#session.xid, openAt: this.#openAt };
    return new CommitOutcomeUnknownError(cause, () =>
      askCommitOutcome(this.#session.dataSource, lost),
    );
  }

  async release(): Promise<void> {
    const { queryRunner, client, watch } = this.#session;
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
      if (scope.hasEnded && this.#isEnding) return this.#session.query(...args);
      if (endsTransaction(args[0])) return Promise.reject(endIsOurs());
      const asker = scopeOf(scope.queryRunner) ?? scope;
      return asker.enqueue('A statement', () => this.#session.query(...args));
    };
    const stream = runner.stream.bind(runner);
    runner.stream = (...args) => streamInTurn(scopeOf(scope.queryRunner) ?? scope, stream, args);
    // Work that releases the runner out of habit would give away a connection in a transaction.
    runner.release = () => Promise.resolve();
    admitQuerySubscribers(this.#session);
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
    const { client, queryRunner, watch } = this.#session;
    const answer = scope.enqueueAlone('COMMIT', async () => {
      this.abort.throwIfAborted();
      // Before anybody hears of it: a logger may have something to write down.
      scope.refuse();
      new StatementLog(this.#session.dataSource, queryRunner).begin('COMMIT');
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
        if (isSent && mayBeCommitted(cause)) throw this.outcomeUnknown(cause);
        throw new DatabaseError('commit', cause);
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
