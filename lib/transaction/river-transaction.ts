import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { NotInTransactionError } from '../errors/transaction-errors.js';
import {
  runInLevel,
  type AmbientTransaction,
  type TransactionSource,
} from './context/ambient-transaction.js';
import { Abort } from './context/abort.js';
import { ActiveWork } from './engine/active-work.js';
import { CurrentTransaction } from './current-transaction.js';
import { checkWork, neverInTransaction, noWork } from './check-work.js';
import { boundTransaction } from './explicit-transaction.js';
import { joining } from './joining-options.js';
import { withRetries } from './engine/retries.js';
import { runTransaction } from './engine/run-transaction.js';
import type { TransactionHook, TransactionHooks } from './context/transaction-hooks.js';
import {
  checkTransactionOptions,
  NO_OPTIONS,
  type RiverTransactionOptions,
} from './context/transaction-options.js';

/** What runs in a transaction; it is given its entity manager. */
export type TransactionWork<T> = (manager: EntityManager) => Promise<T> | T;

/** What the helper is told by the module. */
export interface RiverTransactionSettings {
  /** Keeps the data source open until what is under way has ended. */
  readonly activeWork?: ActiveWork | undefined;
  /** Milliseconds that an afterCommit or afterRollback hook may take. */
  readonly hookTimeoutMs?: number | undefined;
  /** Receives errors of afterCommit and afterRollback hooks, beside Nest's Logger. */
  readonly onHookError?: ((error: unknown) => void) | undefined;
  /** Finds transactions that another package opened; see the module's option. */
  readonly transactionSource?: TransactionSource | undefined;
}

/**
 * Opens transactions that inserts and injected repositories join by themselves. Injectable; one for
 * each client, on the same data source.
 *
 * @example
 * await this.transaction.run(async (manager) => {
 *   const order = await manager.save(Order, dto);
 *   await this.river.insert(new SendReceipt(order.id));
 * });
 */
export class RiverTransaction {
  readonly #dataSource: DataSource;
  readonly #settings: RiverTransactionSettings;
  readonly #activeWork: ActiveWork;
  readonly #current: CurrentTransaction;
  readonly #logger = new Logger(RiverTransaction.name);
  /** Name of the client that this helper belongs to. */
  readonly name: string;

  /** @internal Made by RiverModule; inject it. */
  constructor(name: string, dataSource: DataSource, settings: RiverTransactionSettings = {}) {
    this.name = name;
    this.#dataSource = dataSource;
    this.#settings = settings;
    this.#activeWork = settings.activeWork ?? new ActiveWork();
    this.#current = new CurrentTransaction(dataSource, settings.transactionSource);
  }

  /**
   * Runs `work` in a transaction: the one that the caller is in already, else a new one (see
   * {@link RiverTransactionOptions.propagation}). A new one is committed before the promise resolves,
   * and rolled back when `work` throws; its error is passed on unchanged. What `work` began and did
   * not await is part of the transaction, and fails it if it fails.
   *
   * @throws TransactionRolledBackError when a statement failed and its error was swallowed
   * @throws CommitOutcomeUnknownError when the connection broke during COMMIT
   * @throws TransactionUnfinishedError when something that was not awaited did not end in time
   * @throws RiverTransactionError when the options cannot be honoured
   */
  run<T>(work: TransactionWork<T>): Promise<T>;
  run<T>(options: RiverTransactionOptions, work: TransactionWork<T>): Promise<T>;
  run<T>(
    ...args:
      [work: TransactionWork<T>] | [options: RiverTransactionOptions, work: TransactionWork<T>]
  ): Promise<T> {
    const [options, work] = args.length === 1 ? [NO_OPTIONS, args[0]] : args;
    if (typeof work !== 'function' || typeof options !== 'object' || options === null) {
      return Promise.reject(noWork());
    }
    // Not async: where it joins or nests, the promise is one that knows whether anybody awaits it.
    try {
      return this.#propagate(options, work);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #propagate<T>(given: RiverTransactionOptions, work: TransactionWork<T>): Promise<T> {
    const options = checkTransactionOptions(given);
    const ambient = this.#current.get();
    switch (options.propagation ?? 'REQUIRED') {
      case 'REQUIRED':
        return ambient ? this.#join(ambient, options, work) : this.#open(options, work);
      case 'REQUIRES_NEW':
        return this.#open(options, work);
      case 'NESTED':
        return ambient ? this.#nest(ambient, options, work) : this.#open(options, work);
      case 'MANDATORY':
        if (ambient === undefined) throw noTransaction("propagation 'MANDATORY'");
        return this.#join(ambient, options, work);
      case 'SUPPORTS':
        return ambient ? this.#join(ambient, options, work) : this.#without(work, options);
      case 'NOT_SUPPORTED':
        return this.#without(work, options);
      case 'NEVER':
        if (ambient !== undefined) throw neverInTransaction();
        return this.#without(work, options);
    }
  }

  /**
   * Runs `work` so that its inserts and repositories join a transaction which the application itself
   * has begun on `queryRunner`, and which it will end itself.
   *
   * @throws NotInTransactionError when the query runner is not in a transaction
   * @throws DatabaseError when it was, and the connection is lost
   * @throws RiverTransactionError when it is not one, or belongs to another data source
   */
  async bind<T>(queryRunner: QueryRunner, work: () => Promise<T> | T): Promise<T> {
    const transaction = boundTransaction(queryRunner, this.#dataSource);
    checkWork('bind', work);
    return await this.#level(transaction, work);
  }

  /**
   * Runs `work` outside of any transaction of this data source, on connections of its own. Called in a
   * transaction, it needs a second connection; see the module's option `secondConnectionTimeoutMs`.
   */
  async outside<T>(work: () => Promise<T> | T): Promise<T> {
    checkWork('outside', work);
    return await this.#level(undefined, work);
  }

  /** Whether the running code is in a transaction of this data source. */
  get isActive(): boolean {
    return this.#current.get({ lenient: true })?.isOpen === true;
  }

  /**
   * The query runner of the transaction that the running code is in.
   *
   * @throws NotInTransactionError when there is none
   */
  get queryRunner(): QueryRunner {
    const ambient = this.#current.get();
    if (ambient === undefined) throw noTransaction('transaction.manager or .queryRunner');
    return ambient.queryRunner;
  }

  /**
   * The entity manager of the transaction that the running code is in.
   *
   * @throws NotInTransactionError when there is none
   */
  get manager(): EntityManager {
    return this.queryRunner.manager;
  }

  /**
   * Calls `hook` once the transaction that the running code is in is committed, outside of it; never
   * if it is rolled back. Hooks run in order before `run` resolves, each awaited for at most the
   * module's `hookTimeoutMs`. An error of a hook is logged and reported to the module's `onHookError`;
   * it changes nothing.
   *
   * @throws NotInTransactionError when there is none of ours
   */
  afterCommit(hook: TransactionHook): void {
    const hooks = this.#hooks('afterCommit');
    checkWork('afterCommit', hook, 'hook');
    hooks.afterCommit(hook);
  }

  /** Calls `hook` once the transaction is rolled back; else as {@link afterCommit}. */
  afterRollback(hook: TransactionHook): void {
    const hooks = this.#hooks('afterRollback');
    checkWork('afterRollback', hook, 'hook');
    hooks.afterRollback(hook);
  }

  #hooks(what: string): TransactionHooks {
    const ambient = this.#current.get();
    if (ambient?.hooks === undefined || !ambient.isOpen) throw noTransaction(what);
    return ambient.hooks;
  }

  #join<T>(
    ambient: AmbientTransaction,
    options: RiverTransactionOptions,
    work: TransactionWork<T>,
  ): Promise<T> {
    const begin = async (): Promise<T> => {
      const abort = new Abort(options);
      try {
        return await abort.limit(
          joining(options, ambient, async () => await work(ambient.queryRunner.manager)),
        );
      } catch (error) {
        // What it did cannot be undone alone, and what it has yet to do would be missing.
        if (abort.reason !== undefined) ambient.abandon(error);
        throw error;
      }
    };
    return this.#current.inLevel(this.name, () => ambient.join(begin));
  }

  #nest<T>(
    ambient: AmbientTransaction,
    options: RiverTransactionOptions,
    work: TransactionWork<T>,
  ): Promise<T> {
    const joined = joining(options, ambient, async (inner: EntityManager) => await work(inner));
    const limited = (inner: EntityManager): Promise<T> =>
      new Abort(options).limit(() => joined(inner));
    return this.#current.inLevel(this.name, () => ambient.nest(limited));
  }

  #without<T>(work: TransactionWork<T>, options: RiverTransactionOptions): Promise<T> {
    return this.outside(() =>
      new Abort(options).limit(async () => await work(this.#dataSource.manager)),
    );
  }

  #open<T>(options: RiverTransactionOptions, work: TransactionWork<T>): Promise<T> {
    const attempt = (): Promise<T> =>
      runTransaction(this.#dataSource, {
        name: this.name,
        options,
        work,
        reportHookError: (error) => this.#reportHookError(error),
        hookTimeoutMs: this.#settings.hookTimeoutMs,
        activeWork: this.#activeWork,
      });
    const { retries = 0, signal } = options;
    return this.#activeWork.run(() =>
      retries === 0 ? attempt() : withRetries({ retries, signal }, attempt),
    );
  }

  #reportHookError(error: unknown): void {
    this.#logger.error(
      'A hook that ran after the end of a transaction failed.',
      error instanceof Error ? error.stack : String(error),
    );
    try {
      this.#settings.onHookError?.(error);
    } catch (failure) {
      this.#logger.error(
        'onHookError failed itself.',
        failure instanceof Error ? failure.stack : String(failure),
      );
    }
  }

  #level<T>(transaction: AmbientTransaction | undefined, work: () => T): T {
    return runInLevel(
      {
        dataSource: this.#dataSource,
        name: this.name,
        current: () => transaction,
        holder: transaction && {
          get isHeld() {
            return !transaction.queryRunner.isReleased;
          },
        },
      },
      work,
    );
  }
}

function noTransaction(what: string): NotInTransactionError {
  return new NotInTransactionError(
    `${what} needs a transaction of this data source, and there is none here. Put ` +
      '@RiverTransactional() on the method, or wrap the code in transaction.run(...); `isActive` ' +
      'tells beforehand.',
  );
}
