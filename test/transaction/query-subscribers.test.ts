import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntitySubscriberInterface, QueryRunner, Repository } from 'typeorm';
import type { RiverClient, RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import {
  forget,
  NOTHING,
  OrderEntity,
  SendReceipt,
  startShop,
  stored,
  type Order,
} from './orders.js';

type QueryEvent = Parameters<NonNullable<EntitySubscriberInterface['beforeQuery']>>[0];

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
let repo: Repository<Order>;
beforeAll(async () => {
  shop = await startShop({ max: 2 });
  ({ transaction, river } = shop);
  repo = shop.dataSource.getRepository(OrderEntity);
});
afterEach(async () => {
  shop.dataSource.subscribers.length = 0;
  await forget(shop.database);
});
afterAll(() => shop.stop());

/** Calls `work` for statements with this text, but not for those that `work` itself sends. */
function subscribe(
  hook: 'beforeQuery' | 'afterQuery',
  text: RegExp,
  work: (queryRunner: QueryRunner) => Promise<unknown> | void,
): void {
  let isWithin = false;
  const onQuery = async ({ query, queryRunner }: QueryEvent): Promise<void> => {
    if (isWithin || !text.test(query)) return;
    isWithin = true;
    try {
      await work(queryRunner);
    } finally {
      isWithin = false;
    }
  };
  shop.dataSource.subscribers.push({ [hook]: onQuery });
}

const hooks = ['beforeQuery', 'afterQuery'] as const;
const asked: [string, (queryRunner: QueryRunner) => Promise<unknown>][] = [
  ['a statement of its query runner', (runner) => runner.query(insertOrder('asked'))],
  ['a statement of its manager', ({ manager }) => manager.query(insertOrder('asked'))],
  ['a save of its manager', ({ manager }) => manager.save(OrderEntity, { item: 'asked' })],
  ['a save of an injected repository', () => repo.save({ item: 'asked' })],
  [
    'a transaction of its manager',
    ({ manager }) =>
      manager.transaction(async (inner) => {
        await inner.insert(OrderEntity, { item: 'asked' });
        await inner.query('select 1');
      }),
  ],
  [
    'a nested transaction',
    () => transaction.run({ propagation: 'NESTED' }, () => repo.insert({ item: 'asked' })),
  ],
  [
    'several statements at once',
    ({ manager }) => Promise.all([manager.query('select 1'), manager.query(insertOrder('asked'))]),
  ],
];
const places: [string, (work: () => Promise<unknown>) => Promise<unknown>][] = [
  ['a transaction', (work) => work()],
  ['a savepoint', (work) => transaction.run({ propagation: 'NESTED' }, work)],
];

describe.each(hooks)('a %s subscriber', (hook) => {
  describe.each(places)('of a statement in %s', (_place, within) => {
    test.each(asked)('can await %s', async (_what, ask) => {
      subscribe(hook, /main/, ask);
      await transaction.run(() => within(() => shop.dataSource.query(insertOrder('main'))));
      const { orders } = await stored(shop.database);
      expect(orders).toEqual(hook === 'beforeQuery' ? ['asked', 'main'] : ['main', 'asked']);
    });

    test.each(asked)('that awaits %s is undone with the transaction', async (_what, ask) => {
      subscribe(hook, /main/, ask);
      const attempt = transaction.run(async () => {
        await within(() => shop.dataSource.query(insertOrder('main')));
        throw new Error('rolled back');
      });
      await expect(attempt).rejects.toThrow('rolled back');
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('can await an insert of a job', async () => {
      subscribe(hook, /main/, () => river.insert(new SendReceipt('asked')));
      await transaction.run(() => within(() => shop.dataSource.query(insertOrder('main'))));
      expect(await stored(shop.database)).toEqual({ orders: ['main'], jobs: 1 });
    });
  });

  test.each([/^SAVEPOINT/, /^RELEASE SAVEPOINT/])('of %s can await a transaction', async (text) => {
    subscribe(hook, text, ({ manager }) =>
      manager.transaction((inner) => inner.insert(OrderEntity, { item: 'asked' })),
    );
    await transaction.run(() =>
      transaction.run({ propagation: 'NESTED' }, () => repo.insert({ item: 'main' })),
    );
    expect((await stored(shop.database)).orders.sort()).toEqual(['asked', 'main']);
  });

  test('that goes on when the transaction is rolled back sends nothing behind the ROLLBACK', async () => {
    subscribe(hook, /main/, ({ manager }) =>
      manager
        .transaction(() => new Promise((resolve) => setTimeout(resolve, 100)))
        .catch(() => undefined),
    );
    const attempt = transaction.run({ timeoutMs: 30 }, () =>
      shop.dataSource.query(insertOrder('main')),
    );
    await expect(attempt).rejects.toMatchObject({ name: 'TransactionAbortedError' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('whose statement fails fails the statement that it is called for', async () => {
    subscribe(hook, /main/, ({ manager }) => manager.query('select 1/0'));
    const attempt = transaction.run(() => shop.dataSource.query(insertOrder('main')));
    await expect(attempt).rejects.toThrow('division by zero');
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('that awaits nothing of what it asks for is part of the transaction', async () => {
    subscribe(hook, /main/, ({ manager }) => {
      void manager.query(`insert into orders (item) select 'asked' from pg_sleep(0.05)`);
    });
    await transaction.run(() => void repo.query(insertOrder('main')));
    expect((await stored(shop.database)).orders.sort()).toEqual(['asked', 'main']);
  });

  test('keeps statements that others ask for behind the one that it is called for', async () => {
    const order: string[] = [];
    subscribe(hook, /main/, async ({ manager }) => {
      await manager.query('select 1');
      await manager.query('select 2');
      order.push('subscriber');
    });
    await transaction.run(async ({ queryRunner }) => {
      await Promise.all([
        shop.dataSource.query(insertOrder('main')).then(() => order.push('main')),
        queryRunner?.query('select 3').then(() => order.push('other')),
      ]);
    });
    expect(order).toEqual(['subscriber', 'main', 'other']);
  });

  test('may start what outlives the statement, which then waits for its turn like others', async () => {
    let resume: () => void = () => undefined;
    const isOver = new Promise<void>((resolve) => (resume = resolve));
    let late: Promise<unknown> | undefined;
    subscribe(hook, /main/, ({ manager }) => {
      late = isOver.then(() => manager.query(insertOrder('late')));
    });
    await transaction.run(async (manager) => {
      await manager.query(insertOrder('main'));
      const slow = manager.query(`insert into orders (item) select 'slow' from pg_sleep(0.05)`);
      resume();
      await Promise.all([slow, late]);
    });
    expect((await stored(shop.database)).orders).toEqual(['main', 'slow', 'late']);
  });
});

test('a setting per statement reaches exactly its statement', async () => {
  subscribe('beforeQuery', /current_setting/, (runner) =>
    runner.query(`select set_config('app.tenant', $1, true)`, ['acme']),
  );
  const rows = await transaction.run((manager) =>
    manager.query<{ tenant: string }[]>(`select current_setting('app.tenant') as tenant`),
  );
  expect(rows).toEqual([{ tenant: 'acme' }]);
});

test('subscribers of the statements of subscribers are called, too', async () => {
  const order: string[] = [];
  const ask = (text: string, sql: string): void => {
    shop.dataSource.subscribers.push({
      async beforeQuery({ query, queryRunner }: QueryEvent) {
        if (query !== text) return;
        await queryRunner.query(sql);
        order.push(text);
      },
    });
  };
  ask('select 3', 'select 2');
  ask('select 2', 'select 1');
  await transaction.run((manager) => manager.query('select 3'));
  expect(order).toEqual(['select 2', 'select 3']);
});

function insertOrder(item: string): string {
  return `insert into orders (item) values ('${item}')`;
}
