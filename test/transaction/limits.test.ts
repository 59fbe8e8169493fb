import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { EntitySubscriberInterface } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  TransactionAbortedError,
  type RiverClient,
  type RiverTransaction,
  type RiverTransactionOptions,
} from 'nestjs-river';
import { Cut } from '../../lib/transaction/context/cut.js';
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
import { Way } from './way.js';

let direct: StartedClient;
let way: Way;
let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  direct = await startShop();
  way = new Way(direct.database.url);
  await way.open();
  shop = await startShop({ max: 1, database: { ...direct.database, url: way.url } });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  way.isSilent = false;
  await shop.dataSource.query('select 1');
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
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
const forever = (): Promise<void> => new Promise(() => undefined);

interface Limit {
  readonly options: RiverTransactionOptions;
  /** Reaches a limit that does not come by itself. */
  readonly reach: () => void;
}

/** What aborts a transaction: long after it has begun, or when the test says so. */
const limits = {
  timeoutMs: () => ({ options: { timeoutMs: 1_000 }, reach: () => undefined }),
  signal: () => {
    const controller = new AbortController();
    return {
      options: { signal: controller.signal },
      reach: () => void setImmediate(() => controller.abort()),
    };
  },
} satisfies Record<string, () => Limit>;
const each = Object.entries(limits);

async function subscribed<T>(
  subscriber: EntitySubscriberInterface,
  work: () => Promise<T>,
): Promise<T> {
  const { subscribers } = shop.dataSource;
  subscribers.push(subscriber);
  try {
    return await work();
  } finally {
    // A guard of ours may have come after it.
    subscribers.splice(subscribers.indexOf(subscriber), 1);
  }
}

describe('with a signal that is aborted already', () => {
  test('no connection is taken, and the work does not start', async () => {
    const createQueryRunner = jest.spyOn(shop.dataSource, 'createQueryRunner');
    const work = jest.fn();
    const options = { signal: AbortSignal.abort(new Error('reason')), retries: 2 };
    expect(await failure(transaction.run(options, work))).toMatchObject({
      name: 'TransactionAbortedError',
      cause: new Error('reason'),
    });
    expect(work).not.toHaveBeenCalled();
    expect(createQueryRunner).not.toHaveBeenCalled();
    createQueryRunner.mockRestore();
  });

  test.each(['REQUIRED', 'NESTED', 'NOT_SUPPORTED', 'REQUIRES_NEW'] as const)(
    'work of a part with propagation %s does not start',
    async (propagation) => {
      const work = jest.fn();
      const options = { signal: AbortSignal.abort(), propagation };
      await failure(
        transaction.run(async () => {
          expect(await failure(transaction.run(options, work))).toBeInstanceOf(
            TransactionAbortedError,
          );
        }),
      );
      expect(work).not.toHaveBeenCalled();
    },
  );
});

describe.each(each)('%s ends', (_name, limited) => {
  const { afterMs } = Cut;
  beforeAll(() => void (Cut.afterMs = 100));
  afterAll(() => void (Cut.afterMs = afterMs));

  test('the wait for the pool, and the connection that arrives later goes back to it', async () => {
    const held = shop.dataSource.createQueryRunner();
    await held.connect();
    const work = jest.fn();
    const { options, reach } = limited();
    const attempt = failure(transaction.run(options, work));
    reach();
    expect(await attempt).toBeInstanceOf(TransactionAbortedError);
    await held.release();
    expect(await transaction.run(() => 'next')).toBe('next');
    expect(work).not.toHaveBeenCalled();
  });

  test('a BEGIN that a silent network never answers, and the connection is closed', async () => {
    await shop.dataSource.query('select 1');
    way.isSilent = true;
    const work = jest.fn();
    const { options, reach } = limited();
    const attempt = failure(transaction.run(options, work));
    reach();
    expect(await attempt).toBeInstanceOf(TransactionAbortedError);
    expect(work).not.toHaveBeenCalled();
    expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  });

  test('a subscriber that keeps the beginning waiting', async () => {
    const work = jest.fn();
    const { options, reach } = limited();
    const subscriber = { afterTransactionStart: () => (reach(), forever()) };
    const error = await subscribed(subscriber, () => failure(transaction.run(options, work)));
    expect(error).toBeInstanceOf(TransactionAbortedError);
    expect(work).not.toHaveBeenCalled();
  });

  test('a COMMIT that a silent network never answers, with an unknown outcome', async () => {
    const { options, reach } = limited();
    const logQuery = jest.spyOn(shop.dataSource.logger, 'logQuery');
    logQuery.mockImplementation((sql) => {
      if (sql === 'COMMIT') reach();
    });
    const attempt = transaction.run(options, async () => {
      await river.insert(new SendReceipt('book'));
      way.isSilent = true;
    });
    const error = await failure(attempt);
    logQuery.mockRestore();
    expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
    expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  });

  test('a subscriber that keeps the COMMIT waiting, which is not sent any more', async () => {
    const { options, reach } = limited();
    let resume: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (resume = resolve));
    const error = await subscribed({ beforeTransactionCommit: () => (reach(), waiting) }, () =>
      failure(transaction.run(options, () => river.insert(new SendReceipt('book')))),
    );
    expect(error).toBeInstanceOf(TransactionAbortedError);
    resume();
    await shop.dataSource.query('select 1');
    expect(await stored(direct.database)).toEqual(NOTHING);
  });

  test('what a subscriber asks for after an aborted COMMIT is rejected', async () => {
    const { options, reach } = limited();
    let late: Promise<unknown> = Promise.resolve();
    let resume: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (resume = resolve));
    const subscriber: EntitySubscriberInterface = {
      beforeTransactionCommit: ({ queryRunner }) => {
        reach();
        return (late = waiting.then(() =>
          failure(queryRunner.query(`insert into orders (item) values ('late')`)),
        ));
      },
      beforeTransactionRollback: () => {
        resume();
        return late as Promise<void>;
      },
    };
    const error = await subscribed(subscriber, () =>
      failure(transaction.run(options, () => river.insert(new SendReceipt('book')))),
    );
    expect(error).toBeInstanceOf(TransactionAbortedError);
    expect(await late).toMatchObject({ name: 'TransactionEndedError' });
    expect(await stored(direct.database)).toEqual(NOTHING);
  });

  test('the wait for a subscriber after the COMMIT, which stays a success', async () => {
    const { options, reach } = limited();
    const subscriber = { afterTransactionCommit: () => (reach(), forever()) };
    const result = await subscribed(subscriber, () =>
      transaction.run(options, async () => {
        await river.insert(new SendReceipt('book'));
        return 'stored';
      }),
    );
    expect(result).toBe('stored');
    expect(await stored(direct.database)).toMatchObject({ jobs: 1 });
  });

  test('the wait for a subscriber before the ROLLBACK', async () => {
    const { options, reach } = limited();
    const thrown = new Error('of the work');
    const subscriber = { beforeTransactionRollback: () => (reach(), forever()) };
    const error = await subscribed(subscriber, () =>
      failure(
        transaction.run(options, async () => {
          await river.insert(new SendReceipt('book'));
          throw thrown;
        }),
      ),
    );
    expect(error).toBe(thrown);
    expect(await stored(direct.database)).toEqual(NOTHING);
  });
});

test('a COMMIT under way when the limit is reached stays a success if it is answered', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const { logger } = shop.dataSource;
  const logQuery = jest.spyOn(logger, 'logQuery').mockImplementation((sql) => {
    if (sql === 'COMMIT') setImmediate(() => controller.abort());
  });
  await transaction.run({ signal }, async (manager) => {
    // Checked by COMMIT itself, which takes so long.
    await manager.query(`create or replace function wait() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.2); return null; end $$`);
    await manager.query(`create constraint trigger waits after insert on orders
      deferrable initially deferred for each row execute function wait()`);
    await manager.insert(OrderEntity, { item: 'book' });
  });
  logQuery.mockRestore();
  expect(signal.aborted).toBe(true);
  expect(await stored(direct.database)).toMatchObject({ orders: ['book'] });
  await shop.dataSource.query('drop function wait cascade');
});

test('an application that ends aborts the wait for the pool', async () => {
  const other = await startShop({
    max: 1,
    database: { ...direct.database, url: way.url },
    river: { shutdownTimeoutMs: 50 },
  });
  const held = other.dataSource.createQueryRunner();
  await held.connect();
  const attempt = failure(other.transaction.run(() => 'work'));
  await other.app.close();
  expect(await attempt).toBeInstanceOf(TransactionAbortedError);
  await held.release();
  await other.stop();
});
