import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  TransactionAbortedError,
  TransactionUnfinishedError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import { Cut } from '../../lib/transaction/context/cut.js';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: 1 });
  ({ transaction, river } = shop);
});
const { afterMs } = Cut;
/** Of the tests in which no statement has to end meanwhile. */
const cutSoon = () => void (Cut.afterMs = 100);
afterEach(async () => {
  Cut.afterMs = afterMs;
  await forget(shop.database);
});
afterAll(() => shop.stop());

const pause = (ms = 20) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const pid = async (): Promise<unknown> => await shop.dataSource.query('select pg_backend_pid()');

const forever = () => new Promise<void>(() => undefined);

/** What aborts a transaction. */
const limits = [
  ['timeoutMs', (afterMs = 50) => ({ timeoutMs: afterMs })],
  ['signal', (afterMs = 50) => ({ signal: AbortSignal.timeout(afterMs) })],
] as const;

describe.each(limits)('%s', (_name, limit) => {
  test('rolls back work that waits for something else', async () => {
    const attempt = transaction.run(limit(), async () => {
      await river.insert(new SendReceipt('book'));
      await forever();
    });
    await expect(attempt).rejects.toThrow(TransactionAbortedError);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('cuts a statement that goes on, and the next one has a new connection', async () => {
    cutSoon();
    const before = await pid();
    // A busy machine needs longer than 50 ms to get as far as the statement.
    const attempt = transaction.run(limit(500), async (manager) => {
      await river.insert(new SendReceipt('book'));
      await manager.query('select pg_sleep(4)');
    });
    await expect(attempt).rejects.toThrow(TransactionAbortedError);
    expect(await pid()).not.toEqual(before);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('refuses statements that come later', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const attempt = transaction.run(limit(), async (manager) => {
      late = pause(100)
        .then(() => manager.insert(OrderEntity, { item: 'late' }))
        .catch((error: unknown) => error);
      await late;
    });
    await expect(attempt).rejects.toThrow(TransactionAbortedError);
    expect(await late).toMatchObject({ name: 'TransactionEndedError' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('does not touch the connection once it is given back', async () => {
    cutSoon();
    const attempt = transaction.run(limit(), forever);
    await expect(attempt).rejects.toThrow(TransactionAbortedError);
    await shop.dataSource.query('select pg_sleep(0.3)');
    await transaction.run(() => river.insert(new SendReceipt('of another')));
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('is honoured by a savepoint, which alone is rolled back', async () => {
    await transaction.run(async (manager) => {
      await manager.insert(OrderEntity, { item: 'outer' });
      const attempt = transaction.run({ ...limit(), propagation: 'NESTED' }, async (inner) => {
        await inner.insert(OrderEntity, { item: 'nested' });
        await pause(300);
        await river.insert(new SendReceipt('too late'));
      });
      await expect(attempt).rejects.toThrow(TransactionAbortedError);
      await river.insert(new SendReceipt('outer'));
    });
    await pause(400);
    expect(await stored(shop.database)).toEqual({ orders: ['outer'], jobs: 1 });
  });

  test('in a savepoint cuts a statement that goes on, and the transaction with it', async () => {
    cutSoon();
    const before = await pid();
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('outer'));
      await transaction.run({ propagation: 'NESTED', ...limit() }, (manager) =>
        manager.query('select pg_sleep(2)'),
      );
    });
    await expect(attempt).rejects.toBeInstanceOf(TransactionAbortedError);
    expect(await pid()).not.toEqual(before);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('where it joins, rolls back all of it, even if the error is swallowed', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.insert(OrderEntity, { item: 'outer' });
      const joined = transaction.run(limit(), async (inner) => {
        await inner.insert(OrderEntity, { item: 'half of it' });
        await pause(200);
        await river.insert(new SendReceipt('the other half'));
      });
      await expect(joined).rejects.toThrow(TransactionAbortedError);
    });
    await expect(attempt).rejects.toThrow(TransactionAbortedError);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

test('a statement that a savepoint does not await and that goes on is cut', async () => {
  cutSoon();
  const before = await pid();
  const attempt = transaction.run({ unawaitedLimitMs: 50 }, async () => {
    await river.insert(new SendReceipt('outer'));
    await transaction.run({ propagation: 'NESTED' }, (manager) => {
      void manager.query('select pg_sleep(2)');
    });
  });
  await expect(attempt).rejects.toBeInstanceOf(TransactionUnfinishedError);
  expect(await pid()).not.toEqual(before);
  expect(await stored(shop.database)).toEqual(NOTHING);
});

test('a signal that is aborted before the start rejects with its reason, and nothing runs', async () => {
  const attempt = transaction.run({ signal: AbortSignal.abort(new Error('raised')) }, () =>
    river.insert(new SendReceipt('book')),
  );
  await expect(attempt).rejects.toMatchObject({
    name: 'TransactionAbortedError',
    cause: new Error('raised'),
  });
  expect(await stored(shop.database)).toEqual(NOTHING);
});

test('a signal that is aborted after the end changes nothing', async () => {
  const controller = new AbortController();
  const options = { timeoutMs: 5_000, signal: controller.signal };
  await transaction.run(options, () => river.insert(new SendReceipt('book')));
  controller.abort();
  expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
});

test('a signal that is aborted while a hook runs does not close the connection that was given back', async () => {
  Cut.afterMs = 0;
  const before = await pid();
  const controller = new AbortController();
  let after: unknown;
  await transaction.run({ signal: controller.signal }, async () => {
    transaction.afterCommit(async () => {
      controller.abort();
      // A timer that closes the connection is due before this one.
      await pause();
      after = await pid();
    });
    await river.insert(new SendReceipt('book'));
  });
  expect(after).toEqual(before);
  expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
});
