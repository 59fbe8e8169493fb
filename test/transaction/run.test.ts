import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EntityManager } from 'typeorm';
import { DatabaseError, RiverTransaction, type RiverClient } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { randomOf } from '../chaos/random.mjs';
import { INTEROP_SEED } from '../support/run-size.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: 4 });
  ({ transaction, river } = shop);
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

describe('run', () => {
  test('commits what its manager and its inserts did, before it resolves', async () => {
    const result = await transaction.run(async (manager) => {
      expect(manager).toBeInstanceOf(EntityManager);
      const order = await manager.save(OrderEntity, { item: 'book' });
      await river.insert(new SendReceipt(order.item));
      expect(await stored(shop.database)).toEqual(NOTHING);
      return order.item;
    });
    expect(result).toBe('book');
    expect(await stored(shop.database)).toEqual({ orders: ['book'], jobs: 1 });
  });

  test('takes work that is not asynchronous', async () => {
    expect(await transaction.run(() => 42)).toBe(42);
  });

  test.each([
    ['an error', new Error('the very one')],
    ['a string', 'thrown'],
    ['undefined', undefined],
    ['an object', { status: 409 }],
  ])('rolls back and passes on %s unchanged', async (_what, thrown) => {
    const attempt = transaction.run(async (manager) => {
      await manager.save(OrderEntity, { item: 'book' });
      await river.insert(new SendReceipt('book'));
      throw thrown as Error;
    });
    const caught: unknown = await attempt.then(
      () => 'resolved',
      (error: unknown) => error,
    );
    expect(caught).toBe(thrown);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('passes on what work throws before its first promise', async () => {
    const thrown = new Error('at once');
    await expect(
      transaction.run(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
  });

  test('passes on an error of the database, from TypeORM and from us', async () => {
    const ofTypeOrm = transaction.run((manager) => manager.query('select 1/0'));
    await expect(ofTypeOrm).rejects.toMatchObject({ name: 'QueryFailedError' });
    const ofOurs = transaction.run(async (manager) => {
      await manager.query('set transaction read only');
      await river.insert(new SendReceipt('book'));
    });
    await expect(ofOurs).rejects.toThrow(DatabaseError);
  });

  test('rolls back when COMMIT fails, and passes on why', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.query(`insert into orders (item, deferred) values ('a', 1), ('b', 1)`);
      await river.insert(new SendReceipt('a'));
    });
    await expect(attempt).rejects.toMatchObject({ sqlState: '23505', outcome: 'not-stored' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('gives every insert of it the same transaction, and every run another', async () => {
    const txid = 'select pg_current_xact_id()::text as id';
    const ids = [];
    for (let round = 0; round < 2; round++) {
      ids.push(
        await transaction.run(async (manager) => {
          await river.insert(new SendReceipt('a'));
          await river.insertMany([new SendReceipt('b'), new SendReceipt('c')]);
          const [own] = await manager.query<{ id: string }[]>(txid);
          const jobs = await manager.query<{ id: string }[]>(
            'select distinct xmin::text as id from river_job order by 1 desc',
          );
          expect(jobs[0]?.id).toBe(own?.id);
          return own?.id;
        }),
      );
    }
    expect(new Set(ids).size).toBe(2);
  });

  test('keeps its connection when work releases the query runner out of habit', async () => {
    await transaction.run(async ({ queryRunner }) => {
      try {
        await river.insert(new SendReceipt('a'));
      } finally {
        await queryRunner?.release();
      }
      await river.insert(new SendReceipt('b'));
      expect(await stored(shop.database)).toEqual(NOTHING);
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 2 });
    const answers = Array.from({ length: 8 }, () => shop.dataSource.query('select 1 as one'));
    expect(await Promise.all(answers)).toEqual(answers.map(() => [{ one: 1 }]));
  });

  test('is what insertTx with its manager or query runner joins, too', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insertTx(manager, new SendReceipt('a'));
      await river.insertTx(transaction.queryRunner, new SendReceipt('b'));
      await river.insertManyTx(manager, [new SendReceipt('c')]);
      const jobs = await manager.query<unknown[]>('select 1 from river_job');
      expect(jobs).toHaveLength(3);
      throw new Error('rolled back');
    });
    await expect(attempt).rejects.toThrow('rolled back');
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('keeps parallel transactions apart', async () => {
    const random = randomOf(INTEROP_SEED, 0);
    const attempts = Array.from({ length: 20 }, (_, index) =>
      transaction.run(async (manager) => {
        const { queryRunner } = manager;
        await river.insert(new SendReceipt(`${index}`));
        await new Promise((resolve) => setTimeout(resolve, random.upTo(10)));
        expect(transaction.queryRunner).toBe(queryRunner);
        await manager.save(OrderEntity, { item: `${index}` });
        expect(transaction.manager).toBe(manager);
        if (index % 3 === 0) throw new Error('rolled back');
      }),
    );
    const outcomes = await Promise.allSettled(attempts);
    const kept = outcomes.flatMap(({ status }, index) =>
      status === 'fulfilled' ? [`${index}`] : [],
    );
    const { orders, jobs } = await stored(shop.database);
    expect(orders.sort()).toEqual(kept.sort());
    expect(jobs).toBe(kept.length);
  });
});

describe('isolation', () => {
  const level = async (): Promise<string | undefined> => {
    const [row] = await transaction.manager.query<{ level: string }[]>(
      `select current_setting('transaction_isolation') as level`,
    );
    return row?.level;
  };

  test.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    '%s is that of the transaction',
    async (isolation) => {
      expect(await transaction.run({ isolation }, level)).toBe(isolation.toLowerCase());
    },
  );

  test("is the data source's when none is given, and does not stay on the connection", async () => {
    await transaction.run({ isolation: 'SERIALIZABLE' }, level);
    for (let round = 0; round < 4; round++) {
      expect(await transaction.run({}, level)).toBe('read committed');
    }
  });

  test('is refused where a transaction is joined, which stays usable', async () => {
    await transaction.run(async () => {
      const joined = transaction.run({ isolation: 'SERIALIZABLE' }, level);
      await expect(joined).rejects.toMatchObject({
        name: 'RiverTransactionError',
        code: 'RIVER_INVALID_TRANSACTION',
        field: 'isolation',
      });
      await river.insert(new SendReceipt('a'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('that Postgres does not know is refused, and the pool keeps its connections', async () => {
    for (let round = 0; round < 8; round++) {
      await expect(transaction.run({ isolation: 'NONE' as never }, level)).rejects.toThrow();
    }
    expect(await transaction.run(level)).toBe('read committed');
  });
});

describe('run within run', () => {
  test('joins: one transaction, one commit, by the outermost', async () => {
    await transaction.run(async (outer) => {
      await transaction.run(async (inner) => {
        expect(inner).toBe(outer);
        await river.insert(new SendReceipt('inner'));
      });
      expect(await stored(shop.database)).toEqual(NOTHING);
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('is rolled back with the outer one', async () => {
    const attempt = transaction.run(async () => {
      await transaction.run(() => river.insert(new SendReceipt('inner')));
      throw new Error('outer');
    });
    await expect(attempt).rejects.toThrow('outer');
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('passes its error on to the outer one', async () => {
    const thrown = new Error('inner');
    const attempt = transaction.run(() =>
      transaction.run(async () => {
        await river.insert(new SendReceipt('inner'));
        throw thrown;
      }),
    );
    await expect(attempt).rejects.toBe(thrown);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('needs one connection only', async () => {
    const attempts = Array.from({ length: 8 }, () =>
      transaction.run(() =>
        transaction.run(() => transaction.run(() => river.insert(new SendReceipt('deep')))),
      ),
    );
    await Promise.all(attempts);
    expect(await stored(shop.database)).toMatchObject({ jobs: 8 });
  });
});

describe("a nested transaction of TypeORM's", () => {
  test('is a savepoint, and its inserts go with it', async () => {
    await transaction.run(async (manager) => {
      await river.insert(new SendReceipt('outer'));
      const nested = manager.transaction(async (inner) => {
        await inner.save(OrderEntity, { item: 'nested' });
        await river.insert(new SendReceipt('nested'));
        throw new Error('nested');
      });
      await expect(nested).rejects.toThrow('nested');
      await manager.transaction((inner) => inner.save(OrderEntity, { item: 'kept' }));
    });
    expect(await stored(shop.database)).toEqual({ orders: ['kept'], jobs: 1 });
  });

  test('that nobody awaited is waited for, and is part of it', async () => {
    await transaction.run(async (manager) => {
      await river.insert(new SendReceipt('outer'));
      void manager.transaction(async (inner) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await inner.save(OrderEntity, { item: 'nested' });
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
    });
    expect(await stored(shop.database)).toEqual({ orders: ['nested'], jobs: 1 });
  });

  test('that nobody awaited fails all of it when it fails', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('outer'));
      void manager.transaction(async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        throw new Error('nested');
      });
    });
    await expect(attempt).rejects.toThrow('nested');
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});
