import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Repository, type DataSource } from 'typeorm';
import type { StartedClient } from '../client/started-client.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { CREATE_ORDERS, forget, OrderEntity, startShop, stored, type Order } from './orders.js';

class Orders extends Repository<Order> {
  constructor({ target, manager, queryRunner }: Repository<Order>) {
    super(target, manager, queryRunner);
  }
}

class ManagedOrders extends Repository<Order> {
  constructor({ manager }: DataSource) {
    super(OrderEntity, manager);
  }
}

/** Ways to a repository that has no transaction of its own. */
const MADE: Record<string, (dataSource: DataSource) => Repository<Order>> = {
  'dataSource.getRepository': (dataSource) => dataSource.getRepository(OrderEntity),
  'dataSource.manager.getRepository': ({ manager }) => manager.getRepository(OrderEntity),
  'dataSource.getTreeRepository': (dataSource) => dataSource.getTreeRepository(OrderEntity),
  'repository.extend': (dataSource) => dataSource.getRepository(OrderEntity).extend({}),
  'dataSource.manager.withRepository': ({ manager }) =>
    manager.withRepository(manager.getRepository(OrderEntity)),
  'a class over a repository': (dataSource) => new Orders(dataSource.getRepository(OrderEntity)),
  'a class over dataSource.manager': (dataSource) => new ManagedOrders(dataSource),
};

/** Ways to use it: each stores one order. */
const USED: Record<string, (orders: Repository<Order>, item: string) => Promise<unknown>> = {
  save: (orders, item) => orders.save({ item }),
  insert: (orders, item) => orders.insert({ item }),
  query: (orders, item) => orders.query('insert into orders (item) values ($1)', [item]),
  builder: (orders, item) => orders.createQueryBuilder().insert().values({ item }).execute(),
  'builder with an alias': async (orders, item) => {
    await orders.insert({ item: `${item} before` });
    return orders
      .createQueryBuilder('o')
      .update()
      .set({ item })
      .where('item = :before', { before: `${item} before` })
      .execute();
  },
  'manager.save': (orders, item) => orders.manager.save(OrderEntity, { item }),
};

class Rollback extends Error {}

let database: TestDatabase;
let shop: StartedClient;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(database, CREATE_ORDERS);
});
// TypeORM keeps a repository that was asked for once, so each test has a data source of its own.
beforeEach(async () => {
  shop = await startShop({ database, max: 2 });
});
afterEach(async () => {
  await shop.stop();
  await forget(database);
});

const useAll = async (orders: Repository<Order>, where: string): Promise<string[]> => {
  for (const [name, use] of Object.entries(USED)) await use(orders, `${where}, ${name}`);
  return Object.keys(USED).map((name) => `${where}, ${name}`);
};

const inRollback = async (work: () => Promise<unknown>): Promise<void> => {
  const run = shop.transaction.run(async () => {
    await work();
    throw new Rollback();
  });
  await expect(run).rejects.toBeInstanceOf(Rollback);
};

describe.each(Object.entries(MADE))('%s', (_name, make) => {
  test('made in a transaction, is part of it, and of none after it', async () => {
    let orders: Repository<Order> | undefined;
    await inRollback(async () => {
      orders = make(shop.dataSource);
      await useAll(orders, 'in the first');
    });
    const kept = orders as Repository<Order>;
    const after = await useAll(kept, 'outside');
    await inRollback(() => useAll(kept, 'in the second'));
    const third = await shop.transaction.run(() => useAll(kept, 'in the third'));
    expect(await stored(database)).toMatchObject({ orders: [...after, ...third] });
  });

  test('made in a savepoint or outside() of a transaction, belongs to neither', async () => {
    const kept: Repository<Order>[] = [];
    await shop.transaction.run(async () => {
      await shop.transaction.run({ propagation: 'NESTED' }, () => {
        kept.push(make(shop.dataSource));
      });
      await shop.transaction.outside(() => void kept.push(make(shop.dataSource)));
    });
    await inRollback(() =>
      Promise.all(kept.map((orders) => orders.createQueryBuilder().getMany())),
    );
    for (const [index, orders] of kept.entries()) {
      await inRollback(() => useAll(orders, `lost ${index}`));
      await useAll(orders, `kept ${index}`);
    }
    expect((await stored(database)).orders.every((item) => item.startsWith('kept'))).toBe(true);
    expect((await stored(database)).orders).toHaveLength(2 * Object.keys(USED).length);
  });
});

test('a repository of the manager of a transaction is refused after it', async () => {
  const kept = await shop.transaction.run((manager) => manager.getRepository(OrderEntity));
  for (const use of Object.values(USED)) {
    await expect(use(kept, 'too late')).rejects.toThrow();
  }
  expect(await stored(database)).toEqual({ orders: [], jobs: 0 });
});
