import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Repository } from 'typeorm';
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

const SEED = 20_261_121;
const RUNS = 30;

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
let repo: Repository<Order>;
beforeAll(async () => {
  shop = await startShop({ max: 2 });
  ({ transaction, river } = shop);
  repo = shop.dataSource.getRepository(OrderEntity);
});
afterAll(() => shop.stop());

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Each way to a savepoint. */
const ways: Record<string, (work: () => Promise<void>) => Promise<void>> = {
  "run({ propagation: 'NESTED' })": (work) => transaction.run({ propagation: 'NESTED' }, work),
  'dataSource.transaction': (work) => shop.dataSource.transaction(work),
  'manager.transaction': (work) => transaction.manager.transaction(work),
};

interface Plan {
  readonly order: readonly string[];
  readonly pauses: readonly number[];
  readonly isSwallowed: boolean;
}
const plan = fc.record({
  order: fc.shuffledSubarray(['fails', 'succeeds', 'plain'], { minLength: 3 }),
  pauses: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 }),
  isSwallowed: fc.boolean(),
});

/** What everybody was told: the caller of the transaction, and whoever asked for a part of it. */
async function play({ order, pauses, isSwallowed }: Plan, inSavepoint: (typeof ways)[string]) {
  const told = new Set<string>();
  const rest = [...pauses];
  const wait = (): Promise<void> => pause(rest.pop() ?? 0);
  const add = async (item: string): Promise<void> => {
    await wait();
    await repo.insert({ item });
    await wait();
    await river.insert(new SendReceipt(item));
  };
  const parts: Record<string, () => Promise<unknown>> = {
    fails: () =>
      inSavepoint(async () => {
        await add('fails');
        throw new Error('fails');
      }),
    succeeds: () => inSavepoint(() => add('succeeds')),
    plain: () => repo.insert({ item: 'plain' }),
  };
  const outcome = await transaction
    .run(async () => {
      const all = Promise.all(
        order.map(async (name) => {
          await parts[name]?.();
          told.add(name);
        }),
      );
      await (isSwallowed ? all.catch(() => undefined) : all);
    })
    .then(
      () => 'committed',
      (error: Error) => error.message,
    );
  return { outcome, told };
}

describe.each(Object.entries(ways))('Promise.all of %s', (_way, inSavepoint) => {
  test('one that fails, one that succeeds, and a plain insert: nobody is told OK whose row is gone', async () => {
    const property = fc.asyncProperty(plan, async (given) => {
      const { outcome, told } = await play(given, inSavepoint);
      const now = await stored(shop.database);
      await forget(shop.database);
      if (!given.isSwallowed) {
        expect([outcome, now]).toEqual(['fails', NOTHING]);
        return;
      }
      expect(outcome).toBe('committed');
      expect([...told].sort()).toEqual(['plain', 'succeeds']);
      expect({ ...now, orders: now.orders.sort() }).toEqual({
        orders: ['plain', 'succeeds'],
        jobs: 1,
      });
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});
