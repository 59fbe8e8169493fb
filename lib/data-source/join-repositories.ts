import type { DataSource } from 'typeorm';
import { defineOwn } from '../transaction/engine/define-own.js';
import { JoinedDataSource, type TransactionOpener } from './joined-data-source.js';

/**
 * Lets what has no query runner of its own join the transaction that the running code is in:
 * repositories, entity managers, active record, query builders and raw queries. All of them go
 * through an entity manager (see {@link trackManagers}) or the data source itself. A runner from
 * `createQueryRunner()` stays its own.
 *
 * `dataSource.transaction(work)` and `manager.transaction(work)` outside a transaction run by `opener`.
 *
 * @returns undoes it, once every module on the data source has
 */
export function joinRepositories(dataSource: DataSource, opener: TransactionOpener): () => void {
  return JoinedDataSource.enter(dataSource, opener, (join) => install(dataSource, join));
}

function install(dataSource: DataSource, join: JoinedDataSource): () => void {
  // Those of managers are followed, and their promises know whether anybody waits for them.
  const byManager =
    (name: 'query' | 'transaction') =>
    (args: unknown[]): unknown => {
      const { manager } = dataSource;
      return (manager[name] as Callable).apply(manager, args);
    };
  const restore = [
    replace(dataSource, 'query', (original, args) =>
      args[2] === undefined && join.isInTransaction
        ? byManager('query')(args.slice(0, 2))
        : original(...args),
    ),
    replace(dataSource, 'transaction', (_original, args) => byManager('transaction')(args)),
    replace(dataSource, 'createQueryBuilder', (original, [first, alias, runner]) =>
      alias === undefined
        ? original(first ?? join.queryRunner)
        : original(first, alias, runner ?? join.queryRunner),
    ),
  ];
  return () => {
    for (const undo of restore) undo();
  };
}

type Callable = (...args: unknown[]) => unknown;

/** Replaces a method of one object by a property of its own; its prototype stays as it is. */
function replace(
  target: DataSource,
  name: 'query' | 'transaction' | 'createQueryBuilder',
  method: (original: Callable, args: unknown[]) => unknown,
): () => void {
  const original = (target[name] as Callable).bind(target);
  return defineOwn(target, name, {
    value: (...args: unknown[]) => method(original, args),
    writable: true,
  });
}
