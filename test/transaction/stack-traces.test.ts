import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager, Repository } from 'typeorm';
import type { StartedClient } from '../client/started-client.js';
import { OrderEntity, startShop, type Order } from './orders.js';

let shop: StartedClient;
let orders: Repository<Order>;
beforeAll(async () => {
  shop = await startShop();
  orders = shop.dataSource.getRepository(OrderEntity);
  await orders.insert({ item: 'whale' });
});
afterAll(() => shop.stop());

type Work = (manager: EntityManager) => Promise<unknown>;

/** Each place that a statement may be in. */
const places: Record<string, (work: Work) => Promise<unknown>> = {
  'outside a transaction': (work) => work(shop.dataSource.manager),
  'in run': (work) => shop.transaction.run(work),
  'in dataSource.transaction': (work) => shop.dataSource.transaction(work),
  'in a joined run': (work) => shop.transaction.run(() => shop.transaction.run(work)),
  'in a savepoint': (work) =>
    shop.transaction.run(() => shop.transaction.run({ propagation: 'NESTED' }, work)),
};

/** Each way to a statement that fails. */
const statements: Record<string, Work> = {
  'repository.insert': () => orders.insert({ item: 'whale' }),
  'repository.save': () => orders.save({ item: 'whale' }),
  'repository.query': () => orders.query('select missing'),
  'manager.insert': (manager) => manager.insert(OrderEntity, { item: 'whale' }),
  'a query builder': () => orders.createQueryBuilder().insert().values({ item: 'whale' }).execute(),
};

describe.each(Object.entries(places))('The stack trace of a failure %s', (_place, place) => {
  test.each(Object.entries(statements))('of %s names its callers', async (_name, statement) => {
    async function placeOrder(manager: EntityManager): Promise<void> {
      await manager.query('select 1');
      await statement(manager);
    }
    async function handleRequest(): Promise<void> {
      await place(placeOrder);
    }
    const error: unknown = await handleRequest().catch((failure: unknown) => failure);
    expect((error as Error).stack).toMatch(/ placeOrder [^]* handleRequest /);
  });

  test('behind another statement names its caller', async () => {
    async function placeOrder(manager: EntityManager): Promise<void> {
      const first = manager.query('select 1');
      await Promise.all([first, orders.insert({ item: 'whale' })]);
    }
    const error: unknown = await place(placeOrder).catch((failure: unknown) => failure);
    expect((error as Error).stack).toContain(' placeOrder ');
  });
});
