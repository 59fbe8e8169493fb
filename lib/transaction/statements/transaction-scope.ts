import type { EntityManager, QueryRunner } from 'typeorm';
import {
  TransactionEndedError,
  TransactionScopeBusyError,
  TransactionUnfinishedError,
} from '../../errors/transaction-errors.js';
import {
  ClientConnection,
  type Connection,
  type ConnectionSettings,
  type Others,
} from '../../postgres/connection/connection.js';
import type { AmbientTransaction } from '../context/ambient-transaction.js';
import { beforeSettled } from './promised.js';
import { runInSavepoint } from './savepoint.js';
import type { Session } from './session.js';
import { StatementQueue } from './statement-queue.js';
import { TransactionHooks } from '../context/transaction-hooks.js';
import { UnawaitedWork } from './unawaited-work.js';
import { unlessBusy } from './unless-busy.js';
import { endsWithin } from '../../abort-signal.js';
import { endOfMicrotasks, nextTurn, now } from '../../real-time.js';

/**
 * A transaction or a savepoint of ours, from its beginning to its end: the fence around it. Every
 * statement goes through one queue in the turn in which it was asked for. A savepoint is one thing in
 * the queue of the scope around it, so it owns the connection until it ends. The end is the last in
 * the queue: what nobody awaited is still part of it, and what comes later is refused.
 */
export class TransactionScope implements AmbientTransaction, Others {
  readonly session: Session;
  /** The scope that a savepoint is in. */
  readonly #outer: TransactionScope | undefined;
  readonly hooks = new TransactionHooks();
  readonly #queue: StatementQueue;
  readonly #operations = new UnawaitedWork(true);
  #abandoned: { readonly reason: unknown } | undefined;
  /** The savepoint that owns the connection now. */
  #inner: TransactionScope | undefined;
  /** How many savepoints own the connection or wait for it. */
  #inners = 0;
  #refusal: ((what: string) => Error) | undefined;
  #settled: { readonly mark: unknown; readonly begun: number } | undefined;
  #isQuiet = false;
  #lastActive = 0;
  /** The first failure of a statement: why a commit may have become impossible. */
  firstFailure: unknown;

  constructor(session: Session, outer?: TransactionScope) {
    this.session = session;
    this.#outer = outer;
    this.#queue = new StatementQueue(session.client, session.client.pipeline === true);
  }

  get queryRunner(): QueryRunner {
    return this.session.queryRunner;
  }

  get isOpen(): boolean {
    return this.#refusal === undefined;
  }

  get hasEnded(): boolean {
    return !this.isOpen;
  }

  get isDetached(): boolean {
    return this.hasEnded && this.session.detaches;
  }

  afterCommit(hook: () => void): void {
    this.hooks.firstAfterCommit(hook);
  }

  connection(settings: ConnectionSettings): Connection {
    const { client: raw, options } = this.session;
    const client = new ClientConnection(raw, settings, this.queryRunner, options.readOnly);
    const connection: Connection = {
      inTransaction: true,
      run: (statement, values) =>
        this.enqueue('A call of RiverClient', () =>
          client.run(statement, values).then((rows) => {
            this.session.noteXid(rows[0]?.['xid']);
            return rows;
          }),
        ),
      transaction: (work) => work(connection),
      exclusive: (work) =>
        this.enqueueAlone('A call of RiverClient', () =>
          client.exclusive((alone) => work(alone, this)),
        ),
    };
    return connection;
  }

  /** Whether a statement of this transaction waits for the one under way. */
  areWaiting(): boolean {
    return this.#queue.length > 1 || this.#outer?.areWaiting() === true;
  }

  readonly refusal = (): Error | undefined => this.#refusal?.('A call of RiverClient');

  cut(): void {
    this.session.cut();
  }

  /** Puts a statement into the queue. */
  enqueue<T>(what: string, run: () => Promise<T>): Promise<T> {
    return this.#enqueue(what, run, { isStatement: true });
  }

  /** The same, for what must have the connection to itself also when statements overlap. */
  enqueueAlone<T>(what: string, run: () => Promise<T>): Promise<T> {
    return this.#enqueue(what, run, { isStatement: true, isAlone: true });
  }

  #enqueue<T>(
    what: string,
    run: () => Promise<T>,
    { isStatement, isAlone }: { isStatement?: true; isAlone?: true },
  ): Promise<T> {
    if (this.#refusal !== undefined) return this.#reject(this.#refusal(what));
    let isRefused = false;
    let hasBegun = false;
    const begin = (): Promise<T> => {
      if (isRefused) throw new TransactionScopeBusyError(what);
      this.session.requireUsable(what);
      hasBegun = true;
      return run();
    };
    const answer = this.#queue.push(begin, isAlone, (failure) => {
      if (isStatement && hasBegun && failure !== undefined) {
        this.firstFailure ??= failure;
        this.session.noteFailure(failure);
      }
      this.#lastActive = now();
    });
    if (this.#inners === 0) return answer;
    return unlessBusy(
      () => this.#inner,
      answer,
      () => {
        isRefused = true;
        return new TransactionScopeBusyError(what);
      },
    );
  }

  join<T>(begin: () => Promise<T>): Promise<T> {
    return this.follow('A joined transaction', begin);
  }

  /** @param hooks where its hooks wait for the end: by default those of this scope */
  nest<T>(
    work: (manager: EntityManager) => Promise<T> | T,
    hooks: TransactionHooks = this.hooks,
  ): Promise<T> {
    const inner = new TransactionScope(this.session, this);
    const run = (): Promise<T> =>
      runInSavepoint(inner, { outer: this, hooks }, () => work(this.queryRunner.manager));
    return this.follow('A nested transaction', () => this.enqueueInner(inner, run));
  }

  /** Lets a savepoint have the connection for as long as `run` takes. Its failure is undone with it. */
  enqueueInner<T>(inner: TransactionScope, run: () => Promise<T>): Promise<T> {
    const what = 'A nested transaction';
    const answer = this.#enqueue(
      what,
      async () => {
        if (this.#refusal !== undefined) throw this.#refusal(what);
        // One that a subscriber begins, while the SAVEPOINT of another is sent, is within that other.
        const owner = this.#inner;
        this.#inner = inner;
        inner.#lastActive = now();
        try {
          return await run();
        } finally {
          this.#inner = owner;
        }
      },
      { isAlone: true },
    );
    this.#inners++;
    return beforeSettled(answer, () => this.#inners--);
  }

  /** Follows an operation that may take several statements; see {@link UnawaitedWork}. */
  follow<T>(name: string, begin: () => Promise<T>): Promise<T> {
    if (this.#refusal === undefined) return this.#operations.follow(name, begin());
    const error = this.#refusal(name);
    const refused = (): Promise<never> => this.#reject(error);
    // What comes too late for a savepoint, and is not awaited, fails the transaction around it.
    return this.#outer === undefined ? refused() : this.#outer.follow(name, refused);
  }

  /**
   * Waits for everything that was begun, awaited or not.
   *
   * @throws TransactionUnfinishedError when something is not done within the limit
   * @throws the error of an operation that failed without anybody waiting for it
   */
  async settle(): Promise<void> {
    // What has begun and asked for nothing yet does so within this turn.
    const isIdle = this.#queue.isIdle && this.#operations.size === 0;
    let mark = this.#queue.mark;
    await endOfMicrotasks();
    if (!isIdle || mark !== this.#queue.mark || this.#operations.size > 0) {
      mark = await this.#operations.reportingPause(this.#settleUnawaited());
    }
    // Node.js looks for unhandled rejections when this turn is over.
    if (this.#operations.mayBeUnhandled) await nextTurn();
    this.#operations.throwUnobserved();
    if (this.#abandoned !== undefined) throw this.#abandoned.reason as Error;
    this.#settled = { mark, begun: this.#operations.begun };
  }

  /** @returns the mark of the queue at the end */
  async #settleUnawaited(): Promise<unknown> {
    const limit = now() + this.session.unawaitedLimitMs;
    let mark: unknown;
    do {
      mark = this.#queue.mark;
      const rest = Promise.all([this.#queue.idle(), this.#operations.ended()]);
      if (!(await endsWithin(limit - now(), rest))) {
        throw new TransactionUnfinishedError(this.#operations.names, this.session.unawaitedLimitMs);
      }
      // A gap between two statements of TypeORM's lasts for some microtasks.
      await nextTurn();
    } while (mark !== this.#queue.mark || this.#operations.size > 0);
    return mark;
  }

  /** Whether nothing has been begun since {@link settle}. */
  get isSettled(): boolean {
    const { mark, begun } = this.#settled ?? {};
    return mark === this.#queue.mark && begun === this.#operations.begun;
  }

  /** Makes it fail for this reason, even if nobody passes it on. */
  abandon(reason: unknown): void {
    this.#abandoned ??= { reason };
  }

  /** From here on everything is refused. */
  refuse(refusal: (what: string) => Error = (what) => new TransactionEndedError(what)): void {
    this.#refusal ??= refusal;
    this.#operations.stop();
    this.#inner?.refuse(refusal);
  }

  /**
   * As {@link refuse}, for a scope that is going to report a failure: nobody needs to be told once
   * more, by an unhandled rejection, of what came too late and was not awaited.
   */
  refuseQuietly(refusal?: (what: string) => Error): void {
    this.#isQuiet = true;
    this.refuse(refusal);
  }

  #reject(error: Error): Promise<never> {
    const rejected = Promise.reject(error);
    if (this.#isQuiet) rejected.catch(() => undefined);
    return rejected;
  }

  /**
   * Waits for statements that were asked for. Those behind a savepoint whose work goes on are not
   * waited for, and are refused when their turn comes. To be called when new ones are refused.
   */
  async idle(): Promise<void> {
    await (this.#inner === undefined ? this.#queue.idle() : this.#inner.idle());
  }

  /** For how many milliseconds no statement of this scope has been under way. */
  get idleForMs(): number {
    if (this.#inner !== undefined) return this.#inner.idleForMs;
    return this.#queue.isIdle ? now() - this.#lastActive : 0;
  }
}
