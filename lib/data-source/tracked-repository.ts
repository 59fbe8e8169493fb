import { Repository, TreeRepository } from 'typeorm';
import { defineOwn } from '../transaction/engine/define-own.js';
import { ObservedPromise } from '../transaction/statements/observed-promise.js';
import { scopeOf } from '../transaction/statements/scope-of.js';

type Method = (this: Repository<object>, ...args: unknown[]) => unknown;

let users = 0;
let undoAll: () => void = () => undefined;

/**
 * Follows the calls of repositories that are async functions, such as `find`: these await the manager's
 * promise, so only their own promise can tell whether somebody handles the failure. The other methods
 * return the manager's promise, which is followed already.
 *
 * @returns undoes it, once everybody has
 */
export function trackRepositories(): () => void {
  if (users++ === 0) undoAll = install();
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    if (--users === 0) undoAll();
  };
}

function install(): () => void {
  const restore = [Repository.prototype, TreeRepository.prototype].flatMap((prototype) =>
    Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
      .map(([name, { value, ...own }]) =>
        defineOwn(prototype, name, { ...own, value: trackedMethod(name, value as Method) }),
      ),
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
