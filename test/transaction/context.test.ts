import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import {
  NotInTransactionError,
  TransactionEndedError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let other: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop();
  other = await startShop();
  ({ transaction, river } = shop);
});
afterEach(async () => {
  await forget(shop.database);
  await forget(other.database);
});
afterAll(async () => {
  await shop.stop();
  await other.stop();
});

/** A transaction that the application opens and ends itself. */
async function inOwnTransaction(
  { dataSource }: StartedClient,
  work: (queryRunner: QueryRunner) => Promise<void>,
  end: 'commit' | 'rollback' = 'commit',
): Promise<void> {
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    await work(queryRunner);
    if (end === 'commit') await queryRunner.commitTransaction();
  } finally {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    await queryRunner.release();
  }
}

describe('outside of a transaction', () => {
  test('isActive is false, and manager and queryRunner say what to do', () => {
    expect(transaction.isActive).toBe(false);
    for (const get of [() => transaction.manager, () => transaction.queryRunner]) {
      expect(get).toThrow(NotInTransactionError);
      expect(get).toThrow('@RiverTransactional()');
    }
  });

  test('inserts stand by themselves, side by side', async () => {
    await Promise.all([1, 2, 3].map((n) => river.insert(new SendReceipt(`${n}`))));
    expect(await stored(shop.database)).toMatchObject({ jobs: 3 });
  });
});

describe('in a transaction', () => {
  test('isActive is true, through every kind of asynchronous call', async () => {
    await transaction.run(async (manager) => {
      expect(transaction.isActive).toBe(true);
      expect(transaction.manager).toBe(manager);
      expect(transaction.queryRunner).toBe(manager.queryRunner);
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(transaction.isActive).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
      expect(transaction.isActive).toBe(true);
      await Promise.resolve().then(() => expect(transaction.manager).toBe(manager));
    });
    expect(transaction.isActive).toBe(false);
  });

  test('code outside it sees no active transaction', async () => {
    let isOver: () => void = () => undefined;
    const running = transaction.run(() => new Promise<void>((resolve) => (isOver = resolve)));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(transaction.isActive).toBe(false);
    isOver();
    await running;
  });
});

describe('outside()', () => {
  test('puts its inserts on a connection of their own, and comes back', async () => {
    const attempt = transaction.run(async (manager) => {
      await transaction.outside(async () => {
        expect(transaction.isActive).toBe(false);
        expect(() => transaction.manager).toThrow(NotInTransactionError);
        await river.insert(new SendReceipt('on its own'));
      });
      expect(transaction.manager).toBe(manager);
      await river.insert(new SendReceipt('rolled back'));
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('allows a transaction of its own', async () => {
    const attempt = transaction.run(async (outer) => {
      await transaction.outside(() =>
        transaction.run(async (inner) => {
          expect(inner).not.toBe(outer);
          await river.insert(new SendReceipt('inner'));
        }),
      );
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('answers and throws what its work does', async () => {
    expect(await transaction.outside(() => 42)).toBe(42);
    const thrown = new Error('very same');
    await expect(transaction.outside(() => Promise.reject(thrown))).rejects.toBe(thrown);
  });
});

describe('bind()', () => {
  test('lets inserts join a transaction that the application began', async () => {
    for (const end of ['rollback', 'commit'] as const) {
      await inOwnTransaction(
        shop,
        async (queryRunner) => {
          const result = await transaction.bind(queryRunner, async () => {
            expect(transaction.isActive).toBe(true);
            expect(transaction.queryRunner).toBe(queryRunner);
            await river.insert(new SendReceipt('a'));
            await river.insertMany([new SendReceipt('b')]);
            return 'answered';
          });
          expect(result).toBe('answered');
          expect(await stored(shop.database)).toEqual(NOTHING);
        },
        end,
      );
      expect(await stored(shop.database)).toMatchObject({ jobs: end === 'commit' ? 2 : 0 });
    }
  });

  test('is joined by run, which leaves the end to the application', async () => {
    await inOwnTransaction(
      shop,
      async (queryRunner) => {
        await transaction.bind(queryRunner, () =>
          transaction.run(async (manager) => {
            expect(manager).toBe(queryRunner.manager);
            await river.insert(new SendReceipt('a'));
          }),
        );
        expect(queryRunner.isTransactionActive).toBe(true);
      },
      'rollback',
    );
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('leaves the transaction alone when its work throws', async () => {
    await inOwnTransaction(shop, async (queryRunner) => {
      const thrown = new Error('very same');
      await expect(transaction.bind(queryRunner, () => Promise.reject(thrown))).rejects.toBe(
        thrown,
      );
      await transaction.bind(queryRunner, () => river.insert(new SendReceipt('a')));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('refuses a query runner without a transaction', async () => {
    const queryRunner = shop.dataSource.createQueryRunner();
    await expect(transaction.bind(queryRunner, () => undefined)).rejects.toThrow(
      NotInTransactionError,
    );
    await queryRunner.release();
  });

  test.each([[undefined], [null], ['a string'], [{}]])('refuses %p', async (nonsense) => {
    await expect(transaction.bind(nonsense as never, () => undefined)).rejects.toMatchObject({
      code: 'RIVER_INVALID_TRANSACTION',
      field: 'queryRunner',
    });
  });

  test('refuses inserts after the end of the transaction, instead of storing them', async () => {
    let insertLate: () => Promise<unknown> = () => Promise.resolve();
    await inOwnTransaction(shop, async (queryRunner) => {
      await transaction.bind(queryRunner, () => {
        const isOver = new Promise<void>((resolve) => {
          insertLate = async () => resolve();
        });
        const late = isOver
          .then(() => river.insert(new SendReceipt('late')))
          .catch((error: unknown) => error);
        const end = insertLate;
        insertLate = async () => {
          await end();
          return await late;
        };
      });
    });
    expect(await insertLate()).toBeInstanceOf(TransactionEndedError);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test("refuses a query runner of another data source, also for the client's own inserts", async () => {
    await inOwnTransaction(other, async (queryRunner) => {
      const bound = transaction.bind(queryRunner, () => river.insert(new SendReceipt('astray')));
      await expect(bound).rejects.toMatchObject({ code: 'RIVER_OTHER_DATA_SOURCE' });
    });
    expect(await stored(other.database)).toEqual(NOTHING);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test("of the helper's own query runner stays in its queue and behind its fence", async () => {
    let late: Promise<unknown> = Promise.resolve();
    await transaction.run((manager) => {
      void transaction.bind(manager.queryRunner as QueryRunner, () => {
        void river.insert(new SendReceipt('nobody awaits'));
        late = new Promise((resolve) => setTimeout(resolve, 50))
          .then(() => river.insert(new SendReceipt('late')))
          .catch((error: unknown) => error);
      });
    });
    expect(await late).toBeInstanceOf(TransactionEndedError);
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('two data sources', () => {
  test('are never mixed: each insert goes with the transaction of its own', async () => {
    const attempt = transaction.run(async () => {
      expect(other.transaction.isActive).toBe(false);
      await river.insert(new SendReceipt('here'));
      await other.river.insert(new SendReceipt('there, by itself'));
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await stored(shop.database)).toEqual(NOTHING);
    expect(await stored(other.database)).toMatchObject({ jobs: 1 });
  });

  test('may both be in a transaction, and end apart', async () => {
    await transaction.run(async (here) => {
      const there = other.transaction.run(async (manager) => {
        expect(transaction.manager).toBe(here);
        expect(other.transaction.manager).toBe(manager);
        await river.insert(new SendReceipt('here'));
        await other.river.insert(new SendReceipt('there'));
        throw new Error('only there');
      });
      await expect(there).rejects.toThrow('only there');
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
    expect(await stored(other.database)).toEqual(NOTHING);
  });

  test('outside() of one leaves the other in its transaction', async () => {
    const attempt = transaction.run(() =>
      other.transaction.run(() =>
        other.transaction.outside(async () => {
          expect(transaction.isActive).toBe(true);
          expect(other.transaction.isActive).toBe(false);
          await river.insert(new SendReceipt('here'));
          await other.river.insert(new SendReceipt('there'));
          throw new Error('no');
        }),
      ),
    );
    await expect(attempt).rejects.toThrow('no');
    expect(await stored(shop.database)).toEqual(NOTHING);
    expect(await stored(other.database)).toMatchObject({ jobs: 1 });
  });
});
