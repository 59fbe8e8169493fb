import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { TransactionEndedError } from '../errors/transaction-error.js';
import { ambientTransactionOf } from './ambient-transaction.js';
import { ForeignTransaction } from './foreign-transaction.js';
import { defineOwn } from './define-own.js';
import { trackManager } from './tracked-manager.js';
import { TransactionScope } from './transaction-scope.js';

interface Joined {
  users: number;
  readonly undo: () => void;
}

const joined = new WeakMap<DataSource, Joined>();

/**
 * Lets what has no query runner of its own join the transaction that the running code is in:
 * injected repositories, `dataSource.manager`, active record, query builders and raw queries. All of
 * them go through `dataSource.manager` or the data source itself, and only these two objects are
 * changed. A runner from `createQueryRunner()` stays its own.
 *
 * @returns undoes it, once every module on the data source has
 */
export function joinRepositories(dataSource: DataSource): () => void {
  let state = joined.get(dataSource);
  if (state === undefined)
    joined.set(dataSource, (state = { users: 0, undo: install(dataSource) }));
  state.users++;
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    if (--state.users > 0) return;
    state.undo();
    joined.delete(dataSource);
  };
}

function install(dataSource: DataSource): () => void {
  const { manager } = dataSource;
  const ambient = new AmbientRunner(dataSource);
  const untrack = trackManager(manager);
  const restore = [
    defineOwn(manager, 'queryRunner', { get: () => ambient.get() }),
    // A repository keeps the runner that its manager has when it is made, and is itself kept.
    ...(['getRepository', 'getTreeRepository', 'withRepository'] as const).map((name) =>
      replace<EntityManager>(manager, name, (original, args) =>
        ambient.hidden(() => original(...args)),
      ),
    ),
    // By the manager, whose calls are followed.
    replace<DataSource>(dataSource, 'query', (original, args) =>
      args[2] === undefined && ambient.isThere
        ? (manager.query as Callable).apply(manager, args.slice(0, 2))
        : original(...args),
    ),
    replace<DataSource>(dataSource, 'transaction', (_original, args) =>
      (manager.transaction as Callable).apply(manager, args),
    ),
    replace<DataSource>(dataSource, 'createQueryBuilder', (original, [first, alias, runner]) =>
      alias === undefined
        ? original(first ?? ambient.get())
        : original(first, alias, runner ?? ambient.get()),
    ),
  ];
  return () => {
    ambient.end();
    for (const undo of restore) undo();
    untrack();
  };
}

/** The query runner of the transaction that the running code is in. */
class AmbientRunner {
  readonly #dataSource: DataSource;
  #isHidden = false;
  #hasEnded = false;

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  /** @throws TransactionEndedError in what was started in a transaction and has outlived it */
  get(): QueryRunner | undefined {
    if (this.#isHidden || this.#hasEnded) return undefined;
    const transaction = ambientTransactionOf(this.#dataSource, { lenient: true });
    if (transaction instanceof TransactionScope && transaction.hasEnded) {
      throw new TransactionEndedError('A statement');
    }
    if (transaction instanceof ForeignTransaction && !transaction.isOpen) return undefined;
    return transaction?.queryRunner;
  }

  /** For whoever has put something on top of what we replaced, and so still calls it. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Whether there is one, ended or not. */
  get isThere(): boolean {
    try {
      return this.get() !== undefined;
    } catch {
      return true;
    }
  }

  hidden<T>(work: () => T): T {
    this.#isHidden = true;
    try {
      return work();
    } finally {
      this.#isHidden = false;
    }
  }
}

type Callable = (...args: unknown[]) => unknown;

/** Replaces a method on one object, by its own property; its prototype stays as it is. */
function replace<T extends object>(
  target: T,
  name: keyof T & string,
  method: (original: Callable, args: unknown[]) => unknown,
): () => void {
  const original = (target[name] as Callable).bind(target);
  return defineOwn(target, name, {
    value: (...args: unknown[]) => method(original, args),
    writable: true,
  });
}
