import { AsyncResource } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { TransactionEndedError, type RiverClient, type RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop();
  ({ transaction, river } = shop);
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

const pause = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

type Begin = (work: (manager: EntityManager) => Promise<void>) => Promise<void>;
const ways: Record<string, Begin> = {
  NESTED: (work) => transaction.run({ propagation: 'NESTED' }, work),
  REQUIRED: (work) => transaction.run(work),
  MANDATORY: (work) => transaction.run({ propagation: 'MANDATORY' }, work),
  SUPPORTS: (work) => transaction.run({ propagation: 'SUPPORTS' }, work),
  'manager.transaction': (work) => transaction.manager.transaction(work),
  'dataSource.transaction': (work) => shop.dataSource.transaction(work),
};

describe.each(Object.entries(ways))('a scope of %s that nobody awaits', (_way, begin) => {
  test('is waited for, across its pauses', async () => {
    await transaction.run(() => {
      void begin(async () => {
        await river.insert(new SendReceipt('one'));
        await pause();
        await shop.dataSource.getRepository(OrderEntity).save({ item: 'late' });
      });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['late'], jobs: 1 });
  });

  test('fails the transaction when it fails, and nothing else', async () => {
    const thrown = new Error('within');
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('one'));
      void begin(async () => {
        await river.insert(new SendReceipt('two'));
        throw thrown;
      });
    });
    await expect(attempt).rejects.toBe(thrown);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('leaves the transaction alone when its failure is caught', async () => {
    await transaction.run(async () => {
      await begin(async () => {
        await pause(1);
        throw new Error('within');
      }).catch(() => undefined);
      await river.insert(new SendReceipt('one'));
    });
    expect(await stored(shop.database)).toEqual({ orders: [], jobs: 1 });
  });
});

test('what comes too late for a savepoint and is not awaited fails the transaction', async () => {
  const attempt = transaction.run(async () => {
    let late: () => void = () => undefined;
    await transaction.run({ propagation: 'NESTED' }, () => {
      late = bound(() => void river.insert(new SendReceipt('too late')));
    });
    late();
    await river.insert(new SendReceipt('one'));
  });
  await expect(attempt).rejects.toThrow(TransactionEndedError);
  expect(await stored(shop.database)).toEqual(NOTHING);
});

test('a failed query of the data source that nobody awaits fails the transaction alone', async () => {
  const attempt = transaction.run(async () => {
    await river.insert(new SendReceipt('one'));
    void shop.dataSource.query('select 1/0');
  });
  await expect(attempt).rejects.toThrow('division by zero');
  expect(await stored(shop.database)).toEqual(NOTHING);
});

test('a savepoint waits for an async function across a gap of many microtasks', async () => {
  const careless = async (): Promise<void> => {
    await transaction.queryRunner.query(`insert into orders (item) values ('first')`);
    for (let microtask = 0; microtask < 100; microtask++) await Promise.resolve();
    await transaction.queryRunner.query(`insert into orders (item) values ('second')`);
  };
  await transaction.run(() => transaction.run({ propagation: 'NESTED' }, () => void careless()));
  expect(await stored(shop.database)).toMatchObject({ orders: ['first', 'second'] });
});

test('a query of the data source after the end is a rejection, not a throw', async () => {
  let late: () => Promise<unknown> = () => Promise.resolve();
  await transaction.run(() => {
    late = bound(() => shop.dataSource.query('select 1'));
  });
  const answer = late();
  await expect(answer).rejects.toThrow(TransactionEndedError);
});

/** As a timer would: keeps the context in which it was made. */
function bound<T>(work: () => T): () => T {
  return AsyncResource.bind(work);
}
