// Where the calls are made: how a transaction is opened, and by what the database is reached.
import { Repository, TreeRepository } from 'typeorm';
import { Order } from './entities.mjs';

/**
 * @typedef {object} On What a call has at hand.
 * @property {import('typeorm').DataSource} dataSource
 * @property {import('typeorm').EntityManager} manager
 * @property {(target: Function) => import('typeorm').Repository<any>} repository
 * @property {import('typeorm').Repository<any>} orders
 */

/** @param {(target: Function) => unknown} make @returns {On} */
function on(dataSource, manager, make) {
  const made = new Map();
  const repository = (target) => {
    if (!made.has(target)) made.set(target, make(target));
    return made.get(target);
  };
  return { dataSource, manager, repository, orders: repository(Order) };
}

const isTree = (dataSource, target) => dataSource.getMetadata(target).treeType !== undefined;

/** The ways to reach the database. Each is given what a transaction handed to its work. */
export const REACHES = {
  'injected repositories'({ dataSource, injected }) {
    const { manager } = dataSource;
    return on(dataSource, manager, injected ?? ((target) => of(manager, target)));
  },
  'the manager given'({ dataSource }, manager) {
    return on(dataSource, manager, (target) => of(manager, target));
  },
  // class Orders extends Repository { constructor(ds) { super(Order, ds.createEntityManager()) } }
  'repositories of their own'({ dataSource }) {
    return on(dataSource, dataSource.createEntityManager(), (target) => {
      const kind = isTree(dataSource, target) ? TreeRepository : Repository;
      class Own extends kind {
        constructor() {
          super(target, dataSource.createEntityManager());
        }
      }
      return new Own();
    });
  },
};

const of = (manager, target) =>
  isTree(manager.connection, target)
    ? manager.getTreeRepository(target)
    : manager.getRepository(target);

/** The ways to open a transaction; `fail` ends it by an error of the caller. */
export const OPENINGS = {
  'no transaction': ({ dataSource }, work) => work(dataSource.manager),
  run: ({ transaction }, work) => transaction.run(work),
  '@RiverTransactional()': ({ service, transaction }, work) =>
    service.inTransaction(() => work(transaction.manager)),
  'a savepoint': ({ transaction }, work) =>
    transaction.run(async () => {
      // Undone by itself: the transaction around it commits.
      const nested = transaction.run({ propagation: 'NESTED' }, work);
      return await nested.catch((error) => ({ error }));
    }),
  'dataSource.transaction': ({ dataSource }, work) => dataSource.transaction(work),
};

/** @type {readonly (readonly [opening: string, reach: string])[]} */
export const PLACES = [
  ['no transaction', 'injected repositories'],
  ['no transaction', 'repositories of their own'],
  ['run', 'injected repositories'],
  ['run', 'the manager given'],
  ['run', 'repositories of their own'],
  ['@RiverTransactional()', 'injected repositories'],
  ['a savepoint', 'injected repositories'],
  ['a savepoint', 'the manager given'],
  ['dataSource.transaction', 'injected repositories'],
  ['dataSource.transaction', 'the manager given'],
];
