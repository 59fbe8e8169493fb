import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import {
  TransactionEndedError,
  TransactionRolledBackError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: 1 });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  // The only connection is back, outside of a transaction, and works.
  await shop.dataSource.query('select 1');
  await forget(shop.database);
});
afterAll(() => shop.stop());

const pause = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

describe('what nobody awaited', () => {
  test('is part of the transaction when it is committed', async () => {
    await transaction.run((manager) => {
      void river.insert(new SendReceipt('one'));
      void manager.query(`insert into orders (item) values ('statement')`);
      void river.insertMany([new SendReceipt('two'), new SendReceipt('three')]);
    });
    expect(await stored(shop.database)).toEqual({ orders: ['statement'], jobs: 3 });
  });

  test('is part of the transaction when it is rolled back', async () => {
    const attempt = transaction.run((manager) => {
      void river.insert(new SendReceipt('one'));
      void manager.query(`insert into orders (item) values ('statement')`);
      throw new Error('rolled back');
    });
    await expect(attempt).rejects.toThrow('rolled back');
    await pause();
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('makes the commit fail when it failed', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('one'));
      manager.query('select 1/0').catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow(TransactionRolledBackError);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('of Promise.all, when another one threw, does not survive the rollback', async () => {
    const attempt = transaction.run(() =>
      Promise.all([
        Promise.reject(new Error('the first')),
        river.insert(new SendReceipt('the second')),
        transaction.manager.query(`insert into orders (item) values ('the third')`),
      ]),
    );
    await expect(attempt).rejects.toThrow('the first');
    await pause();
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

describe('a logger that writes over the connection whose statement it is told of', () => {
  test.each([
    ['committed', { orders: ['logged'], jobs: 1 }],
    ['rolled back', NOTHING],
  ])('is part of the transaction when it is %s', async (how, expected) => {
    const { logger } = shop.dataSource;
    const logging = Object.create(logger) as typeof logger;
    let isLogged = false;
    logging.logQuery = (sql, _values, queryRunner) => {
      if (isLogged || !sql.startsWith('INSERT INTO river_job')) return;
      isLogged = true;
      void queryRunner?.query(`insert into orders (item) select 'logged' from pg_sleep(0.05)`);
    };
    shop.dataSource.logger = logging;
    try {
      await transaction
        .run(async () => {
          await river.insert(new SendReceipt('one'));
          if (how === 'rolled back') throw new Error(how);
        })
        .catch(() => undefined);
    } finally {
      shop.dataSource.logger = logger;
    }
    await pause(100);
    expect(isLogged).toBe(true);
    expect(await stored(shop.database)).toEqual(expected);
  });
});

describe('statements at the same time', () => {
  test('go one by one, in the order in which they were asked for', async () => {
    await transaction.run(async (manager) => {
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          await manager.query(`insert into orders (item) values ('${index}')`);
          await river.insert(new SendReceipt(`${index}`));
        }),
      );
    });
    const { orders, jobs } = await stored(shop.database);
    expect(orders).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`));
    expect(jobs).toBe(10);
  });
});

describe('after its end', () => {
  /** What is handed out by a transaction, used when it is over. */
  const late: Record<string, (manager: EntityManager) => Promise<unknown>> = {
    'a statement of its manager': (manager) => manager.query('select 1'),
    'a statement of its query runner': (manager) =>
      manager.queryRunner?.query('select 1') ?? Promise.resolve(),
    'a look-up of its manager': (manager) => manager.find(OrderEntity),
    'a repository of its manager': (manager) =>
      manager.getRepository(OrderEntity).save({ item: 'late' }),
    'a query builder of its manager': (manager) =>
      manager.createQueryBuilder().insert().into(OrderEntity).values({ item: 'late' }).execute(),
    'a nested transaction of its manager': (manager) => manager.transaction(async () => undefined),
    'insertTx with its manager': (manager) => river.insertTx(manager, new SendReceipt('late')),
    'insertManyTx with its manager': (manager) =>
      river.insertManyTx(manager, [new SendReceipt('late')]),
  };

  describe.each(['commit', 'rollback'])('by %s', (end) => {
    test.each(Object.entries(late))('%s is refused', async (_what, use) => {
      let kept: EntityManager | undefined;
      const ended = transaction.run((manager) => {
        kept = manager;
        if (end === 'rollback') throw new Error('rolled back');
      });
      await ended.catch(() => undefined);
      const error: unknown = await use(kept as EntityManager).catch((reason: unknown) => reason);
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      expect([error, cause]).toContainEqual(expect.any(TransactionEndedError));
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('an insert that outlives it is refused, and told of outside()', async () => {
      let insertLate: () => Promise<unknown> = () => Promise.resolve();
      let detached: Promise<unknown> = Promise.resolve();
      const isOver = new Promise<void>((resolve) => {
        insertLate = async () => resolve();
      });
      const ended = transaction.run(() => {
        detached = isOver
          .then(() => river.insert(new SendReceipt('late')))
          .catch((error: unknown) => error);
        if (end === 'rollback') throw new Error('rolled back');
      });
      await ended.catch(() => undefined);
      await insertLate();
      const error = await detached;
      expect(error).toBeInstanceOf(TransactionEndedError);
      expect(error).toMatchObject({
        code: 'RIVER_TRANSACTION_ENDED',
        message: expect.stringContaining('transaction.outside') as unknown,
      });
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('an insert by outside() that outlives it is stored', async () => {
      let detached: Promise<unknown> = Promise.resolve();
      const ended = transaction.run(() => {
        detached = transaction.outside(async () => {
          await pause();
          await river.insert(new SendReceipt('on its own'));
        });
        if (end === 'rollback') throw new Error('rolled back');
      });
      await ended.catch(() => undefined);
      await detached;
      expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
    });
  });

  test('the next transaction on the same connection is not touched by the one before', async () => {
    const kept = await transaction.run((manager) => manager);
    await transaction.run(async (manager) => {
      await expect(kept.query(`insert into orders (item) values ('stray')`)).rejects.toThrow(
        TransactionEndedError,
      );
      await manager.query(`insert into orders (item) values ('kept')`);
    });
    expect(await stored(shop.database)).toEqual({ orders: ['kept'], jobs: 0 });
  });
});

describe('a database error that was swallowed', () => {
  test('makes the commit fail, with the error as the cause', async () => {
    let swallowed: unknown;
    const attempt = transaction.run(async (manager) => {
      await manager.save(OrderEntity, { item: 'book' });
      await river.insert(new SendReceipt('book'));
      await manager.query('select 1/0').catch((error: unknown) => (swallowed = error));
      return 'all is well';
    });
    const error: unknown = await attempt.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TransactionRolledBackError);
    expect(error).toMatchObject({
      code: 'RIVER_TRANSACTION_ROLLED_BACK',
      retryable: true,
      cause: swallowed,
    });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('makes it fail every time, however the messages of the server arrive', async () => {
    for (let round = 0; round < 50; round++) {
      const attempt = transaction.run(async (manager) => {
        await river.insert(new SendReceipt('book'));
        await manager.query('select 1/0').catch(() => undefined);
      });
      await expect(attempt).rejects.toThrow(TransactionRolledBackError);
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('of an insert makes it fail, too; the first failure is the cause', async () => {
    let first: unknown;
    const attempt = transaction.run(async (manager) => {
      await manager.query('alter table river_job add constraint no_job check (false) not valid');
      await river.insert(new SendReceipt('book')).catch((error: unknown) => (first = error));
      await manager.query('select 1').catch(() => undefined);
      await river.insert(new SendReceipt('another')).catch(() => undefined);
    });
    const error: unknown = await attempt.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TransactionRolledBackError);
    expect((error as Error).cause).toBe(first);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('at the last moment, by a subscriber, makes it fail, too', async () => {
    const { subscribers } = shop.dataSource;
    const others = [...subscribers];
    subscribers.push({
      async beforeTransactionCommit({ queryRunner }) {
        await queryRunner.query('select 1/0').catch(() => undefined);
      },
    });
    try {
      const attempt = transaction.run(() => river.insert(new SendReceipt('book')));
      await expect(attempt).rejects.toThrow(TransactionRolledBackError);
    } finally {
      subscribers.splice(0, subscribers.length, ...others);
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('in a savepoint that was rolled back does no harm', async () => {
    await transaction.run(async (manager) => {
      const nested = manager.transaction((inner) => inner.query('select 1/0'));
      await nested.catch(() => undefined);
      await river.insert(new SendReceipt('book'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('after one in a savepoint is named as the cause itself', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.transaction((inner) => inner.query('select 1/0')).catch(() => undefined);
      await manager.query('select no_such_column').catch(() => undefined);
    });
    await expect(attempt).rejects.toMatchObject({
      name: 'TransactionRolledBackError',
      cause: { driverError: { code: '42703' } },
    });
  });
});

describe('a transaction that work ended by itself', () => {
  test.each(['rollback', 'ROLLBACK', 'abort', 'commit', 'COMMIT'])(
    'by the statement %s is an error, not a success',
    async (end) => {
      const attempt = transaction.run(async (manager) => {
        await river.insert(new SendReceipt('book'));
        await manager.query(end);
      });
      await expect(attempt).rejects.toMatchObject({
        name: 'RiverTransactionError',
        code: 'RIVER_INVALID_TRANSACTION',
      });
      expect(await stored(shop.database)).toEqual(NOTHING);
    },
  );

  test('by its query runner is an error, not a success', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('book'));
      await manager.queryRunner?.rollbackTransaction();
    });
    await expect(attempt).rejects.toMatchObject({ code: 'RIVER_INVALID_TRANSACTION' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});
