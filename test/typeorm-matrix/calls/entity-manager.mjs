// What EntityManager and Repository have that the others do not.
import * as typeorm from 'typeorm';
import { ClosureNode, Note, Order } from '../entities.mjs';

const { Repository, AbstractRepository, EntityRepository } = typeorm;

class OrdersRepository extends Repository {
  byItem(item) {
    return this.findOneBy({ item });
  }
}

/** Of TypeORM 0.3 only. */
function oldRepository() {
  class Old extends AbstractRepository {
    place(item) {
      return this.manager.save(Order, { item });
    }
  }
  EntityRepository(Order)(Old);
  return Old;
}

/** @type {Record<string, import('./index.mjs').Call['call'] | Partial<import('./index.mjs').Call>>} */
export const MANAGER = {
  'EntityManager.query': ({ manager }) =>
    manager.query('update orders set note = $1 where id = $2 returning id, note', ['sql', 1]),
  'EntityManager.sql': ({ manager }) =>
    manager.sql`insert into tags (label) values (${'sql'}) returning label`,
  'EntityManager.createQueryBuilder: without an entity': ({ manager }) =>
    manager.createQueryBuilder().insert().into(Note).values({ label: 'new' }).execute(),
  'EntityManager.save: without its class': ({ manager }) =>
    manager.save(Object.assign(new Note(), { label: 'new' })),
  'EntityManager.remove: without its class': ({ manager }) =>
    manager.remove(Object.assign(new Note(), { id: 1, label: 'first' })),
  'EntityManager.softRemove: without its class': ({ manager }) =>
    manager.softRemove(Object.assign(new Order(), { id: 2 })),
  'EntityManager.recover: without its class': ({ manager }) =>
    manager.recover(Object.assign(new Order(), { id: 4 })),
  'EntityManager.hasId: without its class': ({ manager }) => manager.hasId(new Note()),
  'EntityManager.getId: without its class': ({ manager }) =>
    manager.getId(Object.assign(new Note(), { id: 1 })),
  'EntityManager.create: empty': ({ manager }) => manager.create(Order),
  'EntityManager.transaction': ({ manager }) =>
    manager.transaction(async (inner) => {
      await inner.update(Order, 1, { quantity: 9 });
      const { id } = await inner.save(Order, { item: 'new' });
      return await inner.getRepository(Order).findOneBy({ id });
    }),
  'EntityManager.transaction: that fails': ({ manager }) =>
    manager.transaction(async (inner) => {
      await inner.delete(Order, { id: 1 });
      throw new Error('on purpose');
    }),
  'EntityManager.transaction: in another': ({ manager }) =>
    manager.transaction(async (inner) => {
      await inner.increment(Order, { id: 1 }, 'quantity', 1);
      const nested = inner.transaction(async (innermost) => {
        await innermost.increment(Order, { id: 1 }, 'quantity', 1);
        throw new Error('on purpose');
      });
      return await nested.catch(({ message }) => message);
    }),
  'EntityManager.getRepository': ({ manager }) =>
    manager.getRepository(Order).save({ item: 'new' }),
  'EntityManager.getTreeRepository': ({ manager }) =>
    manager.getTreeRepository(ClosureNode).save({ name: 'new' }),
  'EntityManager.withRepository': ({ manager, orders }) =>
    manager.withRepository(orders).update(1, { quantity: 9 }),
  'EntityManager.withRepository: a class of its own': ({ manager, dataSource }) =>
    manager.withRepository(new OrdersRepository(Order, dataSource.manager)).byItem('pear'),
  'EntityManager.getCustomRepository': ({ manager }) =>
    manager.getCustomRepository(oldRepository()).place('new'),
  // Not applicable to Postgres: the same error everywhere.
  'EntityManager.getMongoRepository': ({ manager }) => manager.getMongoRepository(Order),
  // The connection is the transaction's, which gives it back when it ends.
  'EntityManager.release': {
    call: ({ manager }) => manager.release(),
    inside: 'resolves with "<undefined>"',
  },

  'Repository.query': ({ orders }) =>
    orders.query('insert into orders (item, version) values ($1, 1) returning item', ['new']),
  'Repository.sql': ({ orders }) => orders.sql`delete from orders where id = ${1} returning id`,
  'Repository.extend': ({ orders }) =>
    orders
      .extend({
        async place(item) {
          await this.update(1, { quantity: 9 });
          return await this.save({ item });
        },
      })
      .place('new'),
  'Repository.createQueryBuilder: without an alias': ({ orders }) =>
    orders.createQueryBuilder().orderBy('id').getMany(),
};
