import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RiverClient, RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { untilPoolIsEmpty } from '../support/index.js';
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
import { Way } from './way.js';

let direct: StartedClient;
let way: Way;
let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  direct = await startShop({ max: 1 });
  way = new Way(direct.database.url);
  await way.open();
  shop = await startShop({
    max: 2,
    extra: { connectionTimeoutMillis: 1_000 },
    database: { ...direct.database, url: way.url },
  });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  // The next requests work, on both connections.
  await Promise.all(
    [1, 2, 3].map((n) => transaction.run(() => river.insert(new SendReceipt(`${n}`)))),
  );
  await forget(direct.database);
});
afterAll(async () => {
  await shop.stop();
  await way.close();
  await direct.stop();
});

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const restart = async (): Promise<void> => {
  await way.close();
  await way.open();
};

describe('a server that restarts', () => {
  /** One step of a transaction after the other; the server is gone before the one of that number. */
  const steps = (at: number): Promise<unknown> =>
    transaction.run(async (manager) => {
      const all = [
        () => manager.save(OrderEntity, { item: 'book' }),
        () => river.insert(new SendReceipt('book')),
        () => manager.query('select 1'),
        () => transaction.run({ propagation: 'NESTED' }, () => river.insert(new SendReceipt('b'))),
      ];
      for (const [index, step] of all.entries()) {
        if (index === at) await restart();
        await step();
      }
      if (at === all.length) await restart();
    });

  test.each([0, 1, 2, 3, 4])('before step %i: one clear error, and nothing stored', async (at) => {
    const error = await failure(steps(at));
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).toMatch(
      /^(DatabaseError|QueryFailedError|CommitOutcomeUnknownError)$/,
    );
    expect(await stored(direct.database)).toEqual(NOTHING);
  });

  test('before the ROLLBACK: the error of the work, also from within a savepoint', async () => {
    const thrown = new Error('of the work');
    for (const propagation of ['REQUIRED', 'NESTED'] as const) {
      const attempt = transaction.run(() =>
        transaction.run({ propagation }, async () => {
          await river.insert(new SendReceipt('book'));
          await restart();
          throw thrown;
        }),
      );
      expect(await failure(attempt)).toBe(thrown);
    }
    expect(await stored(direct.database)).toEqual(NOTHING);
  });

  test('and is away for a while: refused until it is back', async () => {
    await way.close();
    await untilPoolIsEmpty(shop.dataSource);
    for (let round = 0; round < 5; round++) {
      const insert = new SendReceipt('book');
      expect(await failure(transaction.run(() => river.insert(insert)))).toMatchObject({
        name: 'DatabaseError',
        retryable: true,
      });
      expect(await failure(river.insert(insert))).toMatchObject({ name: 'DatabaseError' });
    }
    await way.open();
  });
});

test('a server that falls silent at a statement: timeoutMs ends the wait', async () => {
  const attempt = transaction.run({ timeoutMs: 100 }, async (manager) => {
    await river.insert(new SendReceipt('book'));
    way.isSilent = true;
    await manager.query('select 1');
  });
  const error = await failure(attempt);
  way.isSilent = false;
  expect(error).toMatchObject({ name: 'TransactionAbortedError' });
  expect(await stored(direct.database)).toEqual(NOTHING);
});

test('a server that does not answer a new connection: the time-out of the pool ends the wait', async () => {
  await way.close();
  await untilPoolIsEmpty(shop.dataSource);
  await way.open();
  way.isSilent = true;
  const attempts = [
    transaction.run(() => river.insert(new SendReceipt('book'))),
    river.insert(new SendReceipt('book')),
    transaction.run(() => river.insert(new SendReceipt('waits for one'))),
  ];
  const errors = await Promise.all(attempts.map(failure));
  way.isSilent = false;
  for (const error of errors)
    expect(error).toMatchObject({ name: 'DatabaseError', retryable: true });
  // The pool may still be connecting for somebody who has given up.
  const end = Date.now() + 5_000;
  while (Number(inUse(shop.dataSource)?.['connections']) > 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  expect(await stored(direct.database)).toEqual(NOTHING);
});

test('a pool that is exhausted for longer than its time-out refuses, and recovers', async () => {
  let free: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (free = resolve));
  const holders = [1, 2].map((n) =>
    transaction.run(async () => {
      await river.insert(new SendReceipt(`${n}`));
      await gate;
    }),
  );
  const refused = [1, 2, 3].map(() => failure(transaction.run(() => undefined)));
  for (const error of await Promise.all(refused)) {
    expect(error).toMatchObject({ name: 'DatabaseError', retryable: true });
  }
  expect(inUse(shop.dataSource)).toEqual({ connections: 2, waiting: 0, runners: 2 });
  free();
  await Promise.all(holders);
  expect(await stored(direct.database)).toMatchObject({ jobs: 2 });
});
