import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  SecondConnectionTimeoutError,
  TransactionAbortedError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
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

const MAX = 3;

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: MAX, river: { secondConnectionTimeoutMs: 200 } });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  // Connections that arrived too late are back as well.
  await Promise.all(Array.from({ length: MAX }, () => shop.dataSource.query('select 1')));
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  await forget(shop.database);
});
afterAll(() => shop.stop());

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

/** As many transactions as the pool has connections, each of which holds one before `work` runs. */
async function crowd(
  work: () => Promise<unknown>,
  run = (within: () => Promise<unknown>): Promise<unknown> => transaction.run(within),
): Promise<unknown[]> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  const one = (): Promise<unknown> =>
    run(async () => {
      if (++arrived === MAX) open();
      await all;
      await work();
    });
  return await Promise.all(Array.from({ length: MAX }, () => failure(one())));
}

/** What takes a second connection in a transaction. */
const ways: Record<string, () => Promise<unknown>> = {
  'an insert in outside()': () =>
    transaction.outside(() => river.insert(new SendReceipt('outside'))),
  'several inserts in outside()': () =>
    transaction.outside(() =>
      river.insertMany([new SendReceipt('outside'), new SendReceipt('outside')]),
    ),
  'insertManyFast in outside()': () =>
    transaction.outside(() => river.insertManyFast([new SendReceipt('outside')])),
  'a call of the administration in outside()': () => transaction.outside(() => river.jobList()),
  'a repository in outside()': () =>
    transaction.outside(() => shop.dataSource.getRepository(OrderEntity).find()),
  'dataSource.query in outside()': () =>
    transaction.outside(() => shop.dataSource.query('select 1')),
  'a query runner of its own': async () => {
    const runner = shop.dataSource.createQueryRunner();
    try {
      await runner.connect();
    } finally {
      await runner.release();
    }
  },
  'run in outside()': () => transaction.outside(() => transaction.run(() => undefined)),
  REQUIRES_NEW: () => transaction.run({ propagation: 'REQUIRES_NEW' }, () => undefined),
  'NOT_SUPPORTED, and an insert in it': () =>
    transaction.run({ propagation: 'NOT_SUPPORTED' }, () =>
      river.insert(new SendReceipt('outside')),
    ),
};

describe('when every connection is held by a transaction that needs a second one', () => {
  test('manager.transaction() of a query runner fails likewise', async () => {
    const onRunner = async (within: () => Promise<unknown>): Promise<unknown> => {
      const runner = shop.dataSource.createQueryRunner();
      try {
        return await runner.manager.transaction(within);
      } finally {
        await runner.release();
      }
    };
    const errors = await crowd(() => transaction.outside(() => river.jobList()), onRunner);
    const failed = errors.filter((error) => error !== 'resolved');
    expect(failed).not.toEqual([]);
    for (const error of failed) expect(error).toBeInstanceOf(SecondConnectionTimeoutError);
  });

  test.each(Object.entries(ways))('%s fails with the cause and the cure', async (_way, take) => {
    const errors = await crowd(take);
    const failed = errors.filter((error) => error !== 'resolved');
    expect(failed).not.toEqual([]);
    for (const error of failed) {
      expect(error).toBeInstanceOf(SecondConnectionTimeoutError);
      expect(error).toMatchObject({
        code: 'RIVER_SECOND_CONNECTION_TIMEOUT',
        retryable: true,
        message: expect.stringMatching(/200 ms.*afterCommit/) as unknown,
      });
    }
  });

  test('an afterCommit hook needs none, since the connection is back by then', async () => {
    const inserted = jest.fn();
    const errors = await crowd(async () => {
      transaction.afterCommit(async () => {
        await river.insert(new SendReceipt('after'));
        inserted();
      });
    });
    expect(errors).toEqual(Array.from({ length: MAX }, () => 'resolved'));
    expect(inserted).toHaveBeenCalledTimes(MAX);
    expect(await stored(shop.database)).toMatchObject({ jobs: MAX });
  });

  test('a transaction that goes on is not disturbed by one that fails', async () => {
    const [held, others] = [transaction, Array.from({ length: MAX - 1 })];
    await held.run(async (manager) => {
      let release: () => void = () => undefined;
      const until = new Promise<void>((resolve) => (release = resolve));
      const busy = others.map(() => transaction.run({ propagation: 'REQUIRES_NEW' }, () => until));
      await manager.insert(OrderEntity, { item: 'kept' });
      const outside = transaction.outside(() => river.insert(new SendReceipt('outside')));
      expect(await failure(outside)).toBeInstanceOf(SecondConnectionTimeoutError);
      release();
      await Promise.all(busy);
    });
    expect(await stored(shop.database)).toEqual({ orders: ['kept'], jobs: 0 });
  });
});

test('a second connection that is free is taken as before', async () => {
  await transaction.run(async () => {
    for (const take of Object.values(ways)) await take();
  });
});

test('a caller outside a transaction waits as long as the pool lets it', async () => {
  const held = Array.from({ length: MAX }, () => shop.dataSource.createQueryRunner());
  await Promise.all(held.map((runner) => runner.connect()));
  const waiting = river.insert(new SendReceipt('waited'));
  await new Promise((resolve) => setTimeout(resolve, 400));
  await Promise.all(held.map((runner) => runner.release()));
  await waiting;
  expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
});

test('work that outlives its transaction holds nothing any more, and waits without the limit', async () => {
  const held = Array.from({ length: MAX }, () => shop.dataSource.createQueryRunner());
  let goOn: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (goOn = resolve));
  let outliving: Promise<unknown> = Promise.resolve();
  await transaction.run(() => {
    outliving = transaction.outside(async () => {
      await ended;
      await river.insert(new SendReceipt('waited'));
    });
  });
  await Promise.all(held.map((runner) => runner.connect()));
  goOn();
  await new Promise((resolve) => setTimeout(resolve, 400));
  await Promise.all(held.map((runner) => runner.release()));
  await outliving;
  expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
});

describe('what waits for a second connection when its transaction is aborted', () => {
  const work = jest.fn<() => Promise<unknown>>();
  test.each([
    ['REQUIRES_NEW', () => transaction.run({ propagation: 'REQUIRES_NEW' }, work)],
    ['an insert in outside()', () => transaction.outside(() => river.insert(new SendReceipt('x')))],
    [
      'dataSource.query in outside()',
      () =>
        transaction.outside(() => shop.dataSource.query(`insert into orders (item) values ('x')`)),
    ],
  ])('%s is aborted with it, and stores nothing', async (_what, wait) => {
    work.mockReset().mockImplementation(() => river.insert(new SendReceipt('too late')));
    const held = Array.from({ length: MAX - 1 }, () => shop.dataSource.createQueryRunner());
    await Promise.all(held.map((runner) => runner.connect()));
    let waiting: Promise<unknown> = Promise.resolve();
    const attempt = transaction.run({ timeoutMs: 50 }, async () => {
      waiting = failure(wait());
      await waiting;
    });
    expect(await failure(attempt)).toBeInstanceOf(TransactionAbortedError);
    await Promise.all(held.map((runner) => runner.release()));
    expect(await waiting).toBeInstanceOf(TransactionAbortedError);
    expect(work).not.toHaveBeenCalled();
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

test('the limit is gone from the data source when the application has ended', async () => {
  const other = await startShop({ database: shop.database });
  const { driver } = other.dataSource;
  expect(Object.hasOwn(driver, 'obtainMasterConnection')).toBe(true);
  await other.app.close();
  expect(Object.hasOwn(driver, 'obtainMasterConnection')).toBe(false);
  await other.stop();
});
