// How a transaction, or a part of one, is opened: by the library, and by plain TypeORM.

export function libraryScopes({ transaction, dataSource, customOrders }) {
  const opened = (target, { isolation }, work) =>
    isolation ? target.transaction(isolation, work) : target.transaction(work);
  const roots = {
    run: (options, work) => transaction.run(options, work),
    'dataSource.transaction': (options, work) => opened(dataSource, options, work),
    'manager.transaction': (options, work) => opened(dataSource.manager, options, work),
    'custom.transaction': (options, work) => opened(customOrders.manager, options, work),
  };
  return {
    root: (by, options, work) => roots[by](options, work),
    hooks: (onCommit, onRollback) => {
      // Without our repositories, TypeORM's own transactions are none of ours.
      if (!transaction.isActive) return;
      transaction.afterCommit(onCommit);
      transaction.afterRollback(onRollback);
    },
    REQUIRES_NEW: (_, work) => transaction.run({ propagation: 'REQUIRES_NEW' }, work),
    outside: (_, work) => transaction.outside(() => work(dataSource.manager)),
    'manager.transaction': ({ manager }, work) => manager.transaction(work),
    'dataSource.transaction': (_, work) => dataSource.transaction(work),
    'custom.transaction': (_, work) => customOrders.manager.transaction(work),
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
    root: (_by, { isolation }, work) =>
      isolation ? dataSource.transaction(isolation, work) : dataSource.transaction(work),
    hooks: undefined,
    REQUIRES_NEW: (_, work) => dataSource.transaction(work),
    outside: (_, work) => work(dataSource.manager),
    NESTED: nested,
    'manager.transaction': nested,
    'dataSource.transaction': nested,
    'custom.transaction': nested,
    REQUIRED: joined,
    MANDATORY: joined,
    SUPPORTS: joined,
  };
}
