import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntitySubscriberInterface } from 'typeorm';
import { jobArgs, type RiverClient, type RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop();
  ({ transaction, river } = shop);
  const slow: EntitySubscriberInterface = { beforeTransactionCommit: () => pause(40) };
  shop.dataSource.subscribers.push(slow);
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Begins while the transaction's end has begun already, and waits for its subscriber. */
async function run(late: () => Promise<unknown>): Promise<unknown> {
  return await transaction
    .run(() => {
      void pause(20).then(() => {
        void late();
      });
    })
    .catch((error: unknown) => error);
}

describe('what begins while a subscriber keeps the COMMIT waiting', () => {
  test('and takes several statements is stored as a whole', async () => {
    const items = [{ item: 'one' }, { item: 'two' }, { item: 'three' }];
    const outcome = await run(async () => {
      await transaction.manager.transaction(async (manager) => {
        for (const item of items) {
          await pause(5);
          await manager.save(OrderEntity, item);
        }
      });
    });
    expect(outcome).toBeUndefined();
    expect((await stored(shop.database)).orders).toEqual(['one', 'two', 'three']);
  });

  test('and fails without anybody waiting fails the transaction', async () => {
    const outcome = await run(() => {
      void river.insert(new SendReceipt('one'));
      void river.insert(jobArgs('refused', { when: Number.NaN }));
      return Promise.resolve();
    });
    expect(outcome).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

test('the question for its id does not meet another statement on the connection', async () => {
  const warnings: unknown[] = [];
  const warn = (warning: unknown): void => void warnings.push(warning);
  process.on('warning', warn);
  await transaction.run({ trackOutcome: true }, (manager) => {
    setImmediate(() => void manager.query('select pg_sleep(0.02)'));
  });
  await pause(10);
  process.off('warning', warn);
  expect(warnings).toEqual([]);
});
