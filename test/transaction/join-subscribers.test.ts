import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import type { RiverClient, RiverTransaction } from 'nestjs-river';
import { refuseJobs } from '../client/refuse-jobs.js';
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
  type Order,
} from './orders.js';

let shop: StartedClient;
let river: RiverClient;
let transaction: RiverTransaction;
let dataSource: DataSource;
/** What the test's subscriber does. */
let subscriber: EntitySubscriberInterface = {};
const EVENTS = [
  'beforeInsert',
  'afterInsert',
  'beforeUpdate',
  'afterUpdate',
  'beforeRemove',
  'afterRemove',
  'beforeTransactionStart',
  'afterTransactionStart',
  'beforeTransactionCommit',
  'afterTransactionCommit',
  'beforeTransactionRollback',
  'afterTransactionRollback',
] as const;

beforeAll(async () => {
  // Two connections: an insert that does not join would find the second one.
  shop = await startShop({ max: 2 });
  ({ river, transaction, dataSource } = shop);
  dataSource.subscribers.push(
    Object.fromEntries(
      EVENTS.map((event) => [event, (...args: [never]) => subscriber[event]?.(...args)]),
    ) as EntitySubscriberInterface,
  );
  await refuseJobs(shop.database, "new.args->>'item' = 'refused'");
});
afterEach(async () => {
  subscriber = {};
  expect(inUse(dataSource)).toEqual(NOT_IN_USE);
  await forget(shop.database);
});
afterAll(() => shop.stop());

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const insert = (item = 'book') => river.insert(new SendReceipt(item));
const duplicate = { message: expect.stringContaining('duplicate key') as unknown };

/** Saves two orders, of which the second cannot be stored, in the transaction of TypeORM's own. */
const failingSave = async (): Promise<void> => {
  await dataSource.getRepository(OrderEntity).insert({ item: 'taken' });
  const attempt = dataSource.getRepository(OrderEntity).save([{ item: 'new' }, { item: 'taken' }]);
  expect(await failure(attempt)).toMatchObject(duplicate);
};

/** A transaction on a query runner of the application's own. */
async function onRunner(work: (queryRunner: QueryRunner) => Promise<unknown>): Promise<void> {
  const queryRunner = dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    await work(queryRunner);
    await queryRunner.commitTransaction();
  } catch (error) {
    await queryRunner.rollbackTransaction();
    throw error;
  } finally {
    await queryRunner.release();
  }
}

describe('a subscriber of a save() outside any transaction', () => {
  const save = () => dataSource.getRepository(OrderEntity).save({ item: 'book' });

  test.each(['beforeInsert', 'afterInsert', 'beforeTransactionCommit'] as const)(
    'inserts a job in %s that is stored with the entity',
    async (event) => {
      subscriber = { [event]: () => insert() };
      await save();
      expect(await stored(shop.database)).toEqual({ orders: ['book'], jobs: 1 });
    },
  );

  test('beforeInsert: leaves no job when the save fails', async () => {
    subscriber = {
      beforeInsert: ({ queryRunner, entity }) =>
        queryRunner.isTransactionActive ? insert((entity as Order).item) : undefined,
    };
    await failingSave();
    expect(await stored(shop.database)).toEqual({ orders: ['taken'], jobs: 0 });
  });

  test('afterInsert: leaves no job when a later subscriber fails', async () => {
    subscriber = {
      afterInsert: () => insert(),
      beforeTransactionCommit: () => Promise.reject(new Error('too late')),
    };
    expect(await failure(save())).toMatchObject({ message: 'too late' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('afterInsert: fails the save when the job is refused', async () => {
    subscriber = { afterInsert: () => insert('refused') };
    expect(await failure(save())).toMatchObject({ code: 'RIVER_DATABASE' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test.each(['afterInsert', 'beforeTransactionCommit'] as const)(
    '%s: fails the save when a job that nobody awaited is refused',
    async (event) => {
      subscriber = { [event]: () => void insert('refused') };
      expect(await failure(save())).toMatchObject({ code: 'RIVER_DATABASE' });
      expect(await stored(shop.database)).toEqual(NOTHING);
    },
  );

  test('afterInsert: an injected repository joins as well', async () => {
    subscriber = {
      afterInsert: async ({ entity }) => {
        if ((entity as Order).item !== 'book') return;
        await dataSource.getRepository(OrderEntity).insert({ item: 'by the subscriber' });
        throw new Error('after all');
      },
    };
    expect(await failure(save())).toMatchObject({ message: 'after all' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('afterUpdate and afterRemove join as well', async () => {
    const order = await save();
    const failing = { beforeTransactionCommit: () => Promise.reject(new Error('too late')) };
    subscriber = { ...failing, afterUpdate: () => insert(), beforeUpdate: () => insert() };
    const update = dataSource.getRepository(OrderEntity).save({ ...order, item: 'changed' });
    expect(await failure(update)).toMatchObject({ message: 'too late' });
    subscriber = { ...failing, afterRemove: () => insert(), beforeRemove: () => insert() };
    const remove = dataSource.getRepository(OrderEntity).remove(order);
    expect(await failure(remove)).toMatchObject({ message: 'too late' });
    expect(await stored(shop.database)).toEqual({ orders: ['book'], jobs: 0 });
  });
});

describe.each<[string, (work: () => Promise<unknown>) => Promise<unknown>]>([
  ['a query runner of the application', onRunner],
  ['run', (work) => transaction.run(() => work())],
  ['REQUIRES_NEW', (work) => transaction.run({ propagation: 'REQUIRES_NEW' }, () => work())],
])('a subscriber of the transaction of %s', (_name, inTransaction) => {
  test.each(['afterTransactionStart', 'beforeTransactionCommit'] as const)(
    '%s: inserts with the transaction',
    async (event) => {
      let jobsWithin: number | undefined;
      subscriber = {
        [event]: async () => {
          await insert();
          ({ jobs: jobsWithin } = await stored(shop.database));
        },
      };
      await inTransaction(() => Promise.resolve());
      expect(jobsWithin).toBe(0);
      expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
    },
  );

  test('afterTransactionStart: leaves no job after a rollback', async () => {
    subscriber = { afterTransactionStart: () => insert() };
    const attempt = inTransaction(() => Promise.reject(new Error('rolled back')));
    expect(await failure(attempt)).toMatchObject({ message: 'rolled back' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test.each(['afterTransactionStart', 'beforeTransactionCommit'] as const)(
    '%s: fails the transaction when a job that nobody awaited is refused',
    async (event) => {
      subscriber = { [event]: () => void insert('refused') };
      const attempt = inTransaction(() => Promise.resolve());
      expect(await failure(attempt)).toMatchObject({ code: 'RIVER_DATABASE' });
      expect(await stored(shop.database)).toEqual(NOTHING);
    },
  );

  test.each(['beforeTransactionStart', 'afterTransactionCommit'] as const)(
    '%s: inserts outside the transaction',
    async (event) => {
      let jobsWithin: number | undefined;
      subscriber = {
        [event]: async () => {
          await insert();
          ({ jobs: jobsWithin } = await stored(shop.database));
        },
      };
      await inTransaction(() => Promise.resolve());
      expect(jobsWithin).toBe(1);
    },
  );

  test('afterTransactionRollback: inserts outside the transaction', async () => {
    subscriber = { afterTransactionRollback: () => insert() };
    await failure(inTransaction(() => Promise.reject(new Error('rolled back'))));
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

test('a subscriber inserts outside where it was put there on purpose', async () => {
  subscriber = {
    afterInsert: () => transaction.outside(() => insert()),
    beforeTransactionCommit: () => Promise.reject(new Error('too late')),
  };
  await failure(dataSource.getRepository(OrderEntity).save({ item: 'book' }));
  expect(await stored(shop.database)).toEqual({ orders: [], jobs: 1 });
});
