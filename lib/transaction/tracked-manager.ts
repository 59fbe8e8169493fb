import type { DataSource, EntityManager } from 'typeorm';
import { ambientTransactionOf } from './ambient-transaction.js';
import { joining } from './joining-options.js';
import { runInSavepoint } from './savepoint.js';
import { promised } from './promised.js';
import { scopeOf } from './transaction-levels.js';
import type { IsolationLevel } from './transaction-options.js';
import type { TransactionScope } from './transaction-scope.js';

/** Makes objects only, and asks the database for nothing. */
const SYNCHRONOUS = new Set([
  'constructor',
  'create',
  'merge',
  'hasId',
  'getId',
  'createQueryBuilder',
  'getRepository',
  'getTreeRepository',
  'getMongoRepository',
  'withRepository',
  'getCustomRepository',
  'release',
]);

type Method = (this: EntityManager, ...args: unknown[]) => unknown;
type NestedWork = (manager: EntityManager) => Promise<unknown>;

const tracked = new WeakMap<object, object>();

/**
 * Lets the calls of an entity manager be followed to their end: `save` sends several statements, and
 * a transaction must not end in a gap between them. The manager gets a prototype in between, made
 * once for its class, so nothing of TypeORM is changed.
 *
 * @returns undoes it
 */
export function trackManager(manager: EntityManager): () => void {
  const original = Object.getPrototypeOf(manager) as object;
  let prototype = tracked.get(original);
  if (prototype === undefined) tracked.set(original, (prototype = trackedPrototype(original)));
  Object.setPrototypeOf(manager, prototype);
  return () => void Object.setPrototypeOf(manager, original);
}

function trackedPrototype(original: object): object {
  const prototype = Object.create(original) as Record<string, Method>;
  for (const name of methodNames(original)) {
    const method = (original as Record<string, Method>)[name] as Method;
    const label = `EntityManager.${name}`;
    prototype[name] = function (...args) {
      let scope: TransactionScope | undefined;
      try {
        scope = scopeOf(this.queryRunner);
      } catch (error) {
        // The runner of a transaction that has ended is refused where it is asked for.
        const ended = ambientTransactionOf(dataSourceOf(this), { lenient: true });
        const refused = (): Promise<never> => Promise.reject(error);
        return ended === undefined ? refused() : ended.follow(label, refused);
      }
      if (scope === undefined) return method.apply(this, args);
      if (name === 'transaction') {
        return nested(scope, args);
      }
      return scope.follow(label, () => promised(() => method.apply(this, args)));
    };
  }
  return prototype;
}

/** `transaction(work)` or `transaction(isolation, work)`: a savepoint has the level that it is in. */
function nested(scope: TransactionScope, args: readonly unknown[]): Promise<unknown> {
  const isolation = args.find((arg) => typeof arg === 'string') as IsolationLevel | undefined;
  const work = args.find((arg) => typeof arg === 'function') as NestedWork;
  const { manager } = scope.queryRunner;
  return runInSavepoint(
    scope,
    joining({ isolation }, scope, () => work(manager)),
  );
}

/** TypeORM 0.3 names it `connection`; a manager of 1.x answers to both names. */
function dataSourceOf(manager: { readonly connection: DataSource }): DataSource {
  return manager.connection;
}

function methodNames(prototype: object): string[] {
  const names = new Set<string>();
  for (
    let object = prototype;
    object !== Object.prototype;
    object = Object.getPrototypeOf(object) as object
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      if (typeof value === 'function' && !SYNCHRONOUS.has(name)) names.add(name);
    }
  }
  return [...names];
}
