import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { HookTimeoutError, type RiverClient, type RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
const reported: unknown[] = [];
const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
beforeAll(async () => {
  const onHookError = (error: unknown): void => void reported.push(error);
  shop = await startShop({ river: { hookTimeoutMs: 50, onHookError } });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  reported.length = 0;
  await forget(shop.database);
});
afterAll(async () => {
  logged.mockRestore();
  await shop.stop();
});

test.each(['afterCommit', 'afterRollback'] as const)(
  'an %s hook that never settles is reported, and the others run',
  async (kind) => {
    const ran: string[] = [];
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('book'));
      transaction[kind](() => new Promise(() => undefined));
      transaction[kind](async () => ran.push('next'));
      if (kind === 'afterRollback') throw new Error('rolled back');
      return 'stored';
    });
    expect(await attempt.catch((error: Error) => error.message)).toBe(
      kind === 'afterCommit' ? 'stored' : 'rolled back',
    );
    expect(ran).toEqual(['next']);
    expect(reported).toEqual([expect.any(HookTimeoutError)]);
    expect(reported).toMatchObject([{ code: 'RIVER_HOOK_TIMEOUT' }]);
    expect(await stored(shop.database)).toMatchObject({ jobs: kind === 'afterCommit' ? 1 : 0 });
  },
);

test('a hook that fails after its limit is reported once more', async () => {
  let fail: (error: Error) => void = () => undefined;
  await transaction.run(() => {
    transaction.afterCommit(() => new Promise((_resolve, reject) => (fail = reject)));
  });
  fail(new Error('too late'));
  await new Promise(setImmediate);
  expect(reported).toEqual([expect.any(HookTimeoutError), new Error('too late')]);
});

test('a hook that settles in time leaves no timer behind', async () => {
  const clear = jest.spyOn(globalThis, 'clearTimeout');
  await transaction.run(() => transaction.afterCommit(() => Promise.resolve()));
  expect(clear).toHaveBeenCalled();
  clear.mockRestore();
  expect(reported).toEqual([]);
});
