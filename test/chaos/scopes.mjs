// How a transaction, or a part of one, is opened: by the library, and by plain TypeORM.

export function libraryScopes({ transaction, dataSource }) {
  return {
    root: (options, work) => transaction.run(options, work),
    hooks: (onCommit, onRollback) => {
      transaction.afterCommit(onCommit);
      transaction.afterRollback(onRollback);
    },
    REQUIRES_NEW: (_, work) => transaction.run({ propagation: 'REQUIRES_NEW' }, work),
    outside: (_, work) => transaction.outside(() => work(dataSource.manager)),
    'manager.transaction': ({ manager }, work) => manager.transaction(work),
    'dataSource.transaction': (_, work) => dataSource.transaction(work),
    ...Object.fromEntries(
      ['NESTED', 'REQUIRED', 'MANDATORY', 'SUPPORTS'].map((propagation) => [
        propagation,
        (_, work) => transaction.run({ propagation }, work),
      ]),
    ),
  };
}

export function plainScopes({ dataSource }) {
  const nested = ({ manager }, work) => manager.transaction(work);
  const joined = async ({ manager }, work) => await work(manager);
  return {
    root: ({ isolation }, work) =>
      isolation ? dataSource.transaction(isolation, work) : dataSource.transaction(work),
    hooks: undefined,
    REQUIRES_NEW: (_, work) => dataSource.transaction(work),
    outside: (_, work) => work(dataSource.manager),
    NESTED: nested,
    'manager.transaction': nested,
    'dataSource.transaction': nested,
    REQUIRED: joined,
    MANDATORY: joined,
    SUPPORTS: joined,
  };
}
