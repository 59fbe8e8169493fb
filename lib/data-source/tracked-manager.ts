import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { TransactionEndedError } from '../errors/transaction-errors.js';
import { ambientTransactionOf, runInLevel } from '../transaction/context/ambient-transaction.js';
import { defineOwn } from '../transaction/engine/define-own.js';
import { ForeignTransaction } from '../transaction/foreign-transaction.js';
import { joinOf, type TypeormWork } from './joined-data-source.js';
import { joining } from '../transaction/joining-options.js';
import { scopeOf } from '../transaction/statements/scope-of.js';
import {
  isIsolationLevel,
  type IsolationLevel,
} from '../transaction/context/transaction-options.js';
import type { TransactionScope } from '../transaction/statements/transaction-scope.js';

type Method = (this: EntityManager, ...args: unknown[]) => unknown;

interface Tracked {
  users: number;
  readonly undo: () => void;
}

/** By the prototype of each copy of TypeORM's class. */
const tracked = new WeakMap<object, Tracked>();

/**
 * Lets the calls of entity managers be followed to their end: `save` sends several statements, and a
 * transaction must not end in a gap between them. And lets managers without a query runner of their
 * own have that of the transaction which the running code is in.
 *
 * This changes TypeORM's class and not single objects, because an application makes managers at any
 * time, also before our module: `super(Order, dataSource.createEntityManager())` in a repository.
 * Managers of data sources and query runners that are not ours behave as before.
 *
 * @returns undoes it, once everybody has
 */
export function trackManagers(dataSource: DataSource): () => void {
  const prototype = basePrototype(dataSource.manager);
  let state = tracked.get(prototype);
  if (state === undefined) tracked.set(prototype, (state = { users: 0, undo: install(prototype) }));
  state.users++;
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    if (--state.users > 0) return;
    state.undo();
    tracked.delete(prototype);
  };
}

function install(prototype: object): () => void {
  const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([name, { value }]) => typeof value === 'function' && name !== 'constructor',
  );
  const restore = [
    defineOwn(prototype, 'queryRunner', {
      get(this: EntityManager): QueryRunner | undefined {
        return joinOf(dataSourceOf(this))?.queryRunner;
      },
      set(this: EntityManager, value: QueryRunner | undefined) {
        const own = { value, writable: true, enumerable: true, configurable: true };
        Object.defineProperty(this, 'queryRunner', own);
      },
    }),
    ...methods.map(([name, { value, ...own }]) =>
      defineOwn(prototype, name, { ...own, value: trackedMethod(name, value as Method) }),
    ),
  ];
  return () => {
    for (const undo of restore) undo();
  };
}

/** Whether a method is asynchronous is seen from what it returns: no list of names could keep up. */
function trackedMethod(name: string, method: Method): Method {
  const label = `EntityManager.${name}`;
  return function (...args) {
    const call = (): unknown => method.apply(this, args);
    let runner: QueryRunner | undefined;
    try {
      runner = this.queryRunner;
    } catch (error) {
      if (!(error instanceof TransactionEndedError)) throw error;
      return outlived(dataSourceOf(this), { label, error, call });
    }
    const scope = scopeOf(runner);
    if (name === 'transaction') {
      const work = args.find((arg) => typeof arg === 'function') as TypeormWork | undefined;
      const isolation = args.find((arg) => typeof arg === 'string');
      // TypeORM itself rejects what is not a callback or an isolation level.
      const isValid =
        work !== undefined && (isolation === undefined || isIsolationLevel(isolation));
      if (isValid && scope !== undefined) return nested(scope, isolation, work);
      const opener = runner === undefined ? joinOf(dataSourceOf(this))?.opener : undefined;
      if (isValid && opener !== undefined) return opener.open(isolation, work);
      if (isValid && runner !== undefined && joinOf(dataSourceOf(this)) !== undefined) {
        const bound = boundTo(runner, dataSourceOf(this), work);
        return method.apply(
          this,
          args.map((arg) => (arg === work ? bound : arg)),
        );
      }
    }
    const result = call();
    if (scope !== undefined && isPromise(result)) return followed(scope, label, result);
    return runner === undefined ? result : withoutRunner(result, this, runner);
  };
}

function followed(scope: TransactionScope, label: string, result: Promise<unknown>): unknown {
  // The caller gets one rejection, and that of the statement is not it.
  if (scope.hasEnded) result.catch(() => undefined);
  return scope.follow(label, () => result);
}

/** A repository keeps the runner that its manager has when it is made, and the manager keeps it. */
function withoutRunner(result: unknown, manager: EntityManager, runner: QueryRunner): unknown {
  const made = result as { manager?: unknown; queryRunner?: QueryRunner | undefined } | undefined;
  const isMade = made?.manager === manager && made.queryRunner === runner;
  if (isMade && !Object.hasOwn(manager, 'queryRunner')) made.queryRunner = undefined;
  return result;
}

/** A call in a transaction that has ended: a promise is rejected; what needs no database is returned. */
function outlived(
  dataSource: DataSource,
  { label, error, call }: { label: string; error: TransactionEndedError; call: () => unknown },
): unknown {
  const result = joinOf(dataSource)?.showingEnded(call);
  if (!isPromise(result)) return result;
  // Its statements are rejected as well, and the caller gets one rejection.
  result.catch(() => undefined);
  const refused = (): Promise<never> => Promise.reject(error);
  const ended = ambientTransactionOf(dataSource, { lenient: true });
  return ended === undefined ? refused() : ended.follow(label, refused);
}

/** A savepoint has the isolation level of the transaction that it is in. */
function nested(
  scope: TransactionScope,
  isolation: IsolationLevel | undefined,
  work: TypeormWork,
): Promise<unknown> {
  return scope.nest(joining({ isolation }, scope, work));
}

/** Inserts and repositories in `work` join the transaction that TypeORM opens on a runner not of ours. */
function boundTo(runner: QueryRunner, dataSource: DataSource, work: TypeormWork): TypeormWork {
  return (manager) => {
    const transaction = ForeignTransaction.opened(runner, dataSource);
    const holder = {
      get isHeld() {
        return transaction.isOpen;
      },
    };
    return runInLevel({ dataSource, name: '', current: () => transaction, holder }, () =>
      work(manager),
    );
  };
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function';
}

/** TypeORM 0.3 names it `connection`; a manager of 1.x answers to both names. */
function dataSourceOf(manager: { readonly connection: DataSource }): DataSource {
  return manager.connection;
}

/** That of `EntityManager` itself, whatever subclass the manager is of. */
function basePrototype(manager: EntityManager): object {
  let prototype = Object.getPrototypeOf(manager) as object;
  for (;;) {
    const parent = Object.getPrototypeOf(prototype) as object;
    if (parent === Object.prototype) return prototype;
    prototype = parent;
  }
}
