import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** The callback of `transaction(work)`. */
type Work = (manager: EntityManager | undefined) => Promise<unknown>;
type Callable = (...args: unknown[]) => unknown;

/** Replaced methods, each with what the mock had. */
const originals = new WeakMap<object, Callable>();

/**
 * Lets `transaction(work)` of a mock run its callback by `around`. It stays the mock that it was, with
 * its calls and its result, and a mock that does not call the callback runs nothing.
 *
 * @returns undoes it
 */
export function wrapTransaction(
  mock: DataSource | EntityManager | undefined,
  around: (given: EntityManager | undefined, work: Work) => Promise<unknown>,
): () => void {
  return wrap(mock, 'transaction', (original, args) => {
    const wrapped = (work: Work): Work => {
      return (given) => around(given, work);
    };
    return original(
      ...args.map((each) => (typeof each === 'function' ? wrapped(each as Work) : each)),
    );
  });
}

/**
 * Calls `made` with each query runner that a mock hands out.
 *
 * @returns undoes it
 */
export function watchQueryRunners(
  mock: DataSource,
  made: (queryRunner: QueryRunner) => void,
): () => void {
  return wrap(mock, 'createQueryRunner', (original, args) => {
    const queryRunner = original(...args);
    if (typeof queryRunner === 'object' && queryRunner !== null) made(queryRunner as QueryRunner);
    return queryRunner;
  });
}

/** What a method was before it was replaced here. */
export function originalMethod<T>(method: T): T {
  return (originals.get(method as object) as T | undefined) ?? method;
}

function wrap(
  target: object | undefined,
  name: string,
  call: (original: Callable, args: unknown[]) => unknown,
): () => void {
  const original = (target as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (target === undefined || typeof original !== 'function') return () => undefined;
  const wrapped = new Proxy(original as Callable, {
    apply: (mocked, self, args: unknown[]) =>
      call((...given) => Reflect.apply(mocked, self, given), args),
  });
  originals.set(wrapped, original as Callable);
  const own = Object.getOwnPropertyDescriptor(target, name);
  Reflect.set(target, name, wrapped);
  return () => {
    if ((target as Readonly<Record<string, unknown>>)[name] !== wrapped) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Reflect.set(target, name, original);
  };
}
