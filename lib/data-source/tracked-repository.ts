import type { DataSource, Repository } from 'typeorm';
import { defineOwn } from '../transaction/engine/define-own.js';
import { ObservedPromise } from '../transaction/statements/observed-promise.js';
import { scopeOf } from '../transaction/statements/scope-of.js';

type Method = (this: Repository<object>, ...args: unknown[]) => unknown;

/** The prototypes that are followed, by how many data sources, and what undoes it. */
const followed = new Map<object, { users: number; readonly undo: () => void }>();

/**
 * Follows the calls of repositories that are async functions, such as `find`: these await the manager's
 * promise, so only their own promise can tell whether somebody handles the failure. The other methods
 * return the manager's promise, which is followed already.
 *
 * @returns undoes it, once everybody has
 */
export function trackRepositories(dataSource: DataSource): () => void {
  const prototypes = repositoryPrototypes(dataSource);
  for (const prototype of prototypes) {
    const found = followed.get(prototype);
    if (found === undefined) followed.set(prototype, { users: 1, undo: install(prototype) });
    else found.users++;
  }
  return () => {
    for (const prototype of prototypes) {
      const found = followed.get(prototype);
      if (found === undefined || --found.users > 0) continue;
      followed.delete(prototype);
      found.undo();
    }
    prototypes.clear();
  };
}

/**
 * The classes of the data source's repositories and what they inherit from. Asked of it, and not
 * imported: there may be several installed copies of typeorm.
 */
function repositoryPrototypes(dataSource: DataSource): Set<object> {
  const prototypes = new Set<object>();
  for (const { target } of dataSource.entityMetadatas) {
    let prototype = Object.getPrototypeOf(dataSource.getRepository(target)) as object;
    while (prototype !== Object.prototype) {
      prototypes.add(prototype);
      prototype = Object.getPrototypeOf(prototype) as object;
    }
  }
  return prototypes;
}

function install(prototype: object): () => void {
  const restore = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name, { value, ...own }]) =>
      defineOwn(prototype, name, { ...own, value: trackedMethod(name, value as Method) }),
    );
  return () => {
    for (const undo of restore) undo();
  };
}

function trackedMethod(name: string, method: Method): Method {
  return function (...args) {
    const result = method.apply(this, args);
    if (!(result instanceof Promise) || result instanceof ObservedPromise) return result;
    try {
      const scope = scopeOf(this.queryRunner ?? this.manager.queryRunner);
      return scope === undefined || scope.hasEnded
        ? result
        : scope.follow(`Repository.${name}`, () => result);
    } catch {
      // The transaction has ended, and the call is rejected for that reason.
      return result;
    }
  };
}
