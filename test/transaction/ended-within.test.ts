import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { TransactionEndedWithinError, type RiverClient, type RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import {
  forget,
  inUse,
  NOT_IN_USE,
  NOTHING,
  OrderEntity,
  SendReceipt,
  startShop,
  stored,
} from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: 1 });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  expect(await transaction.run(() => 'usable')).toBe('usable');
  await forget(shop.database);
});
afterAll(() => shop.stop());

interface RawClient {
  query(sql: string): Promise<unknown>;
}
const rawOf = async (runner: QueryRunner): Promise<RawClient> =>
  (await runner.connect()) as RawClient;

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

/** How a statement reaches the connection. */
const ways = {
  'manager.query': (sql: string) => transaction.manager.query(sql),
  'manager.query with parameters': (sql: string) => transaction.manager.query(sql, []),
  'a structured result': (sql: string) => transaction.queryRunner.query(sql, undefined, true),
  'the raw client': async (sql: string) => (await rawOf(transaction.queryRunner)).query(sql),
};
/** A text of several statements cannot have parameters. */
const wayNames = Object.keys(ways) as (keyof typeof ways)[];

const commits = [
  '-- seed\nCOMMIT',
  '/* */ COMMIT',
  'COMMIT',
  'COMMIT AND CHAIN',
  'select 1; COMMIT',
  'select 1; COMMIT; BEGIN',
  'select 1; COMMIT; START TRANSACTION',
  'select 1; END; BEGIN',
];
const rollbacks = [
  '/* */ ROLLBACK',
  'ROLLBACK',
  'ABORT',
  'ROLLBACK AND CHAIN',
  'select 1; ROLLBACK',
  'select 1; ROLLBACK; BEGIN',
  'select 1; ROLLBACK AND /* */ CHAIN',
];
const each = (texts: readonly string[]) =>
  texts.flatMap((sql) => wayNames.map((way) => [sql, way] as const));

/** Stores an order and a job, runs the text, and goes on as if nothing had happened. */
async function endWithin(sql: string, way: keyof typeof ways): Promise<unknown> {
  return await failure(
    transaction.run(async (manager) => {
      await manager.insert(OrderEntity, { item: 'before' });
      await river.insert(new SendReceipt('before'));
      await ways[way](sql);
    }),
  );
}

describe('a transaction ended by a statement within is never reported as a success', () => {
  test.each(each(commits))('%j by %s', async (sql, way) => {
    const error = await endWithin(sql, way);
    expect(error).toBeInstanceOf(Error);
    const { orders, jobs } = await stored(shop.database);
    expect(jobs).toBe(orders.length);
    if (jobs === 0) return;
    expect(error).toBeInstanceOf(TransactionEndedWithinError);
    expect(error).toMatchObject({
      code: 'RIVER_TRANSACTION_ENDED_WITHIN',
      retryable: false,
      message: expect.stringMatching(/by COMMIT\. Part of it may be stored/) as unknown,
    });
  });

  test.each(each(rollbacks))('%j by %s', async (sql, way) => {
    const error = await endWithin(sql, way);
    expect(error).toBeInstanceOf(Error);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test.each(['select 1; COMMIT; BEGIN', '-- seed\nCOMMIT'])(
    '%j is named although the work fails afterwards, with its error as the cause',
    async (sql) => {
      const thrown = new Error('of the work');
      const attempt = transaction.run(async (manager) => {
        await river.insert(new SendReceipt('before'));
        await manager.query(sql);
        throw thrown;
      });
      const error = await failure(attempt);
      expect(error).toBeInstanceOf(TransactionEndedWithinError);
      expect(error).toHaveProperty('cause', thrown);
      expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
    },
  );

  test('nothing that comes after it is sent', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('before'));
      await manager.query('select 1; COMMIT');
      const late = [
        river.insert(new SendReceipt('late')),
        manager.insert(OrderEntity, { item: 'late' }),
        transaction.run({ propagation: 'NESTED' }, () => undefined),
      ];
      for (const { reason } of (await Promise.allSettled(late)) as PromiseRejectedResult[]) {
        expect(reason).toBeInstanceOf(TransactionEndedWithinError);
      }
    });
    expect(await failure(attempt)).toBeInstanceOf(TransactionEndedWithinError);
    expect(await stored(shop.database)).toEqual({ orders: [], jobs: 1 });
  });

  test('is noticed on the raw client although nobody awaits the statement', async () => {
    for (const sql of [
      'COMMIT; BEGIN',
      'COMMIT',
      'ROLLBACK',
      'ROLLBACK; BEGIN',
      'ROLLBACK AND CHAIN',
    ]) {
      const attempt = transaction.run(async (manager) => {
        await river.insert(new SendReceipt('before'));
        const raw = await rawOf(manager.queryRunner as QueryRunner);
        void raw.query(sql);
      });
      expect([sql, await failure(attempt)]).toEqual([
        sql,
        expect.any(TransactionEndedWithinError) as unknown,
      ]);
    }
  });

  test('is not tried again, since part of it may be stored', async () => {
    let runs = 0;
    const attempt = transaction.run({ retries: 3 }, async (manager) => {
      runs++;
      await river.insert(new SendReceipt(`${runs}`));
      await manager.query('select 1; COMMIT; BEGIN').catch(() => undefined);
      const raw = await rawOf(transaction.queryRunner);
      await raw.query(`do $$ begin raise 'no' using errcode = '40001'; end $$`);
    });
    expect(await failure(attempt)).toMatchObject({
      name: 'TransactionEndedWithinError',
      cause: { code: '40001' },
    });
    expect(runs).toBe(1);
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('runs neither kind of hook after a COMMIT, and afterRollback after a ROLLBACK', async () => {
    for (const [sql, expected] of [
      ['select 1; COMMIT; BEGIN', []],
      ['select 1; ROLLBACK; BEGIN', ['rollback']],
    ] as const) {
      const ran: string[] = [];
      const attempt = transaction.run(async (manager) => {
        transaction.afterCommit(() => ran.push('commit'));
        transaction.afterRollback(() => ran.push('rollback'));
        await manager.query(sql);
      });
      expect(await failure(attempt)).toBeInstanceOf(TransactionEndedWithinError);
      expect([sql, ran]).toEqual([sql, expected]);
    }
  });

  test('PREPARE TRANSACTION is rejected before it is sent', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('before'));
      await manager.query(`PREPARE TRANSACTION 'river test'`);
    });
    expect(await failure(attempt)).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

describe('inside a savepoint', () => {
  test.each(each(['select 1; COMMIT; BEGIN', '/* */ ROLLBACK']))('%j by %s', async (sql, way) => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('outer'));
      const nested = transaction.run({ propagation: 'NESTED' }, async () => {
        await manager.insert(OrderEntity, { item: 'inner' });
        await ways[way](sql);
      });
      await failure(nested);
    });
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(Error);
    if ((await stored(shop.database)).jobs > 0) {
      expect(error).toBeInstanceOf(TransactionEndedWithinError);
    }
  });

  const ownSavepoint = [
    'select 1; ROLLBACK TO SAVEPOINT $; select 2',
    'ROLLBACK TO $',
    'select 1; RELEASE SAVEPOINT $',
    'RELEASE $',
    'select 1; RELEASE SAVEPOINT $; SAVEPOINT $',
    'SAVEPOINT $',
  ];
  test.each(each(ownSavepoint))('%j of ours by %s fails the whole', async (text, way) => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('outer'));
      const nested = transaction.run({ propagation: 'NESTED' }, async () => {
        await manager.insert(OrderEntity, { item: 'inner' });
        await ways[way](text.replaceAll('$', await savepointName()));
      });
      await failure(nested);
    });
    expect(await failure(attempt)).toBeInstanceOf(Error);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  /** The name of the savepoint that is open: the next one has the next number. */
  async function savepointName(): Promise<string> {
    const logged: string[] = [];
    const { logger } = shop.dataSource;
    const logQuery = logger.logQuery.bind(logger);
    logger.logQuery = (sql) => void logged.push(sql);
    await transaction.run({ propagation: 'NESTED' }, () => undefined);
    logger.logQuery = logQuery;
    const next = Number(/river_(\d+)/.exec(logged.join())?.[1]);
    return `river_${next - 1}`;
  }
});

describe('what is allowed stays allowed', () => {
  test("the caller's own savepoints, one by one and in one text, also on the raw client", async () => {
    await transaction.run(async (manager) => {
      for (const way of wayNames) {
        for (const sql of ['savepoint a', 'release a', 'savepoint b', 'rollback to savepoint b']) {
          await ways[way](sql);
        }
      }
      await manager.query('savepoint c; select 1; rollback work to c; release savepoint c');
      await manager.query('savepoint chain; rollback to chain');
      await river.insert(new SendReceipt('book'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test("TypeORM's nested transactions on the query runner", async () => {
    await transaction.run(async () => {
      const { queryRunner } = transaction;
      await queryRunner.startTransaction();
      await queryRunner.manager.insert(OrderEntity, { item: 'undone' });
      await queryRunner.rollbackTransaction();
      await queryRunner.startTransaction();
      await queryRunner.manager.insert(OrderEntity, { item: 'kept' });
      await queryRunner.commitTransaction();
    });
    expect(await stored(shop.database)).toMatchObject({ orders: ['kept'] });
  });

  test('a text of several statements', async () => {
    await transaction.run((manager) =>
      manager.query(
        `insert into orders (item) values ('one'); insert into orders (item) values ('two')`,
      ),
    );
    expect(await stored(shop.database)).toMatchObject({ orders: ['one', 'two'] });
  });
});

/** While `work` runs, a subscriber whose own query failed rejects each transaction before its BEGIN. */
async function withRefusedBegin<T>(work: () => Promise<T>): Promise<T> {
  const { subscribers } = shop.dataSource;
  const refused = Object.assign(new Error('refused'), { severity: 'ERROR', code: '23505' });
  subscribers.push({ beforeTransactionStart: () => Promise.reject(refused) });
  try {
    return await work();
  } finally {
    subscribers.pop();
  }
}

test('nothing that watches a transaction is left on the pooled client', async () => {
  interface Emitter {
    eventNames(): (string | symbol)[];
    listenerCount(name: string | symbol): number;
  }
  const counts = async (): Promise<unknown> => {
    const runner = shop.dataSource.createQueryRunner();
    const client = (await runner.connect()) as Emitter & { readonly connection: Emitter };
    await runner.release();
    return [client, client.connection].map((emitter) =>
      emitter.eventNames().map((name) => [name, emitter.listenerCount(name)]),
    );
  };
  await transaction.run(() => river.insert(new SendReceipt('book')));
  const before = await counts();
  for (let round = 0; round < 20; round++) {
    await transaction.run(() => river.insert(new SendReceipt('book')));
    await failure(transaction.run(() => Promise.reject(new Error('rolled back'))));
    await failure(withRefusedBegin(() => transaction.run(() => 'does not run')));
  }
  expect(await counts()).toEqual(before);
});
