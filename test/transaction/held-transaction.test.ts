import { Body, Controller, Inject, Injectable, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { jobArgs, RiverClient, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { holdTransaction, type HeldTransaction } from 'nestjs-river/testing';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from '../http/shop-app.js';
import { NOTHING, OrderEntity, SendReceipt } from './orders.js';

@Injectable()
class OrdersService {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @RiverTransactional()
  async place(item: string): Promise<void> {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
  }
}

@Controller()
class OrdersController {
  constructor(@Inject(OrdersService) private readonly orders: OrdersService) {}

  @Post('orders')
  @RiverTransactional()
  async create(@Body() { item }: { item: string }): Promise<void> {
    await this.orders.place(item);
  }
}

let database: ShopDatabase;
let shop: ShopApp;
let river: RiverClient;
let transaction: RiverTransaction;
let held: QueryRunner;
beforeAll(async () => {
  database = await createShopDatabase(2);
  shop = await startShopApp({
    modules: [riverOn(database.dataSource)],
    controllers: [OrdersController],
    providers: [OrdersService],
  });
  river = shop.app.get(RiverClient);
  transaction = shop.app.get(RiverTransaction);
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

let holding: HeldTransaction;
beforeEach(async () => {
  holding = await holdTransaction(database.dataSource);
  held = holding.queryRunner;
});
afterEach(async () => {
  expect(held.isReleased).toBe(false);
  await holding.rollback();
  expect(await database.stored()).toEqual(NOTHING);
});

/** What the test itself sees in the transaction that it holds. */
async function seen(): Promise<{ orders: string[]; jobs: number }> {
  const orders = (await held.query('select item from orders order by id')) as { item: string }[];
  const [jobs] = (await held.query('select count(*)::int from river_job')) as { count: number }[];
  return { orders: orders.map(({ item }) => item), jobs: jobs?.count ?? 0 };
}
const insert = (item = 'book') => river.insert(new SendReceipt(item));
const failed = (attempt: Promise<unknown>): Promise<void> => expect(attempt).rejects.toThrow();

describe('in a test that holds one transaction and rolls it back', () => {
  test('inserts outside our transactions are in it', async () => {
    await insert();
    await river.insertMany([new SendReceipt('a'), new SendReceipt('b')]);
    await river.insertManyFast([new SendReceipt('c')]);
    await Promise.all([insert('d'), insert('e')]);
    await river.insert(new SendReceipt('u'), { uniqueOpts: { byArgs: true } });
    const locked = { byArgs: true as const, byState: ['available' as const, 'running' as const] };
    await river.insert(new SendReceipt('l'), { uniqueOpts: locked });
    expect(await seen()).toEqual({ orders: [], jobs: 8 });
  });

  test('administration calls see the jobs', async () => {
    const { job } = await insert();
    expect((await river.jobGet(job.id)).state).toBe('available');
    expect((await river.jobCancel(job.id)).state).toBe('cancelled');
    expect((await river.jobList()).jobs).toHaveLength(1);
  });

  test('an insert that the database refuses leaves it usable', async () => {
    await held.query(`alter table river_job add check (kind <> 'refused')`);
    await failed(river.insert(jobArgs('refused', {})));
    await insert();
    expect(await seen()).toMatchObject({ jobs: 1 });
  });

  test('repositories and the application in its own transaction are in it', async () => {
    const { dataSource } = database;
    await dataSource.getRepository(OrderEntity).save({ item: 'repository' });
    await dataSource.transaction(async (manager) => {
      await manager.save(OrderEntity, { item: 'manager' });
      await insert();
    });
    expect(await seen()).toEqual({ orders: ['repository', 'manager'], jobs: 1 });
  });

  test.each(['REQUIRED', 'REQUIRES_NEW', 'NESTED'] as const)(
    '%s is a savepoint',
    async (propagation) => {
      const placed = async (item: string): Promise<void> => {
        await database.dataSource.getRepository(OrderEntity).save({ item });
        await insert(item);
      };
      await transaction.run({ propagation }, () => placed('kept'));
      await failed(
        transaction.run({ propagation }, async () => {
          await placed('undone');
          throw new Error('undone');
        }),
      );
      expect(await seen()).toEqual({ orders: ['kept'], jobs: 1 });
    },
  );

  test.each(['SUPPORTS', 'NOT_SUPPORTED', 'NEVER'] as const)(
    '%s finds no transaction',
    async (propagation) => {
      await transaction.run({ propagation }, () => {
        expect(transaction.isActive).toBe(false);
        return insert();
      });
      await failed(transaction.run({ propagation: 'MANDATORY' }, () => insert()));
      expect(await seen()).toMatchObject({ jobs: 1 });
    },
  );

  test('what is put outside a transaction of ours does not wait for it', async () => {
    await transaction.run(async () => {
      await insert('within');
      await transaction.outside(() => insert('outside'));
      await transaction.run({ propagation: 'REQUIRES_NEW' }, () => insert('new'));
      await transaction.run({ propagation: 'NOT_SUPPORTED' }, () => insert('not supported'));
    });
    expect(await seen()).toMatchObject({ jobs: 4 });
  });

  test('hooks run at the end of the savepoint', async () => {
    const heard: string[] = [];
    const hooks = (): void => {
      transaction.afterCommit(() => heard.push('commit'));
      transaction.afterRollback(() => heard.push('rollback'));
    };
    await transaction.run(hooks);
    await failed(
      transaction.run(() => {
        hooks();
        throw new Error('undone');
      }),
    );
    expect(heard).toEqual(['commit', 'rollback']);
  });

  test('transactions at the same time are undone each alone', async () => {
    const service = shop.app.get(OrdersService);
    const items = ['a', 'failing b', 'c', 'failing d'];
    await Promise.allSettled(items.map((item) => service.place(item)));
    expect(await seen()).toEqual({ orders: ['a', 'c'], jobs: 2 });
  });

  test('a statement that failed, its error caught, rolls back the savepoint alone', async () => {
    await failed(transaction.run((manager) => manager.query('select 1/0').catch(() => undefined)));
    await insert();
    expect(await seen()).toMatchObject({ jobs: 1 });
  });

  test('requests over HTTP are in it', async () => {
    expect(await shop.post('/orders', { item: 'book' })).toMatchObject({ status: 201 });
    expect(await shop.post('/orders', { item: 'failing' })).toMatchObject({ status: 500 });
    expect(await seen()).toEqual({ orders: ['book'], jobs: 1 });
  });
});
