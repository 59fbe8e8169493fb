import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type pg from 'pg';
import {
  DatabaseError,
  NotInTransactionError,
  TransactionRolledBackError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { refuseJobs } from '../client/refuse-jobs.js';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let river: RiverClient;
let transaction: RiverTransaction;
let dataSource: DataSource;
beforeAll(async () => {
  // The transactions of this file are the application's own, also those of the data source.
  shop = await startShop({ max: 2, river: { joinRepositories: false } });
  ({ river, transaction, dataSource } = shop);
  await refuseJobs(shop.database, "new.args->>'item' = 'refused'");
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const refused = new SendReceipt('refused');
const caught = (attempt: Promise<unknown>): Promise<void> =>
  expect(attempt).rejects.toBeInstanceOf(DatabaseError);

/** A query runner of the application in a transaction, as `work` leaves it. */
async function onRunner(work: (queryRunner: QueryRunner) => Promise<unknown>): Promise<void> {
  const queryRunner = dataSource.createQueryRunner();
  await queryRunner.connect();
  try {
    await queryRunner.startTransaction();
    await work(queryRunner);
    await queryRunner.commitTransaction();
  } catch (error) {
    if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    throw error;
  } finally {
    await queryRunner.release();
  }
}

describe('COMMIT after a failed statement whose error the caller caught', () => {
  /** Fails in the transaction of this manager, and catches that. */
  const failures: [string, (manager: EntityManager) => Promise<void>][] = [
    ['insertTx', (manager) => caught(river.insertTx(manager, refused))],
    ['insertManyTx', (manager) => caught(river.insertManyTx(manager, [refused]))],
    [
      'insert within bind',
      (manager) =>
        transaction.bind(manager.queryRunner as QueryRunner, () => caught(river.insert(refused))),
    ],
    [
      'a statement of the application within bind',
      (manager) =>
        transaction.bind(manager.queryRunner as QueryRunner, () =>
          expect(manager.query('select 1/0')).rejects.toThrow('division by zero'),
        ),
    ],
    [
      'a statement of the application after insertTx',
      async (manager) => {
        await river.insertTx(manager, new SendReceipt('book'));
        await expect(manager.query('select 1/0')).rejects.toThrow('division by zero');
      },
    ],
  ];

  describe.each(failures)('%s', (_name, fail) => {
    test('rejects dataSource.transaction', async () => {
      const attempt = dataSource.transaction(async (manager) => {
        await manager.insert(OrderEntity, { item: 'book' });
        await fail(manager);
      });
      expect(await failure(attempt)).toMatchObject({
        code: 'RIVER_TRANSACTION_ROLLED_BACK',
        retryable: true,
        cause: { message: expect.stringMatching(/refused|division by zero|P0001/) as unknown },
      });
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('rejects commitTransaction of a query runner', async () => {
      const attempt = onRunner(async (queryRunner) => {
        await queryRunner.manager.insert(OrderEntity, { item: 'book' });
        await fail(queryRunner.manager);
      });
      expect(await failure(attempt)).toBeInstanceOf(TransactionRolledBackError);
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('rejects the nested commitTransaction, and spares the transaction around it', async () => {
      await onRunner(async (queryRunner) => {
        await queryRunner.manager.insert(OrderEntity, { item: 'kept' });
        await queryRunner.startTransaction();
        await queryRunner.manager.insert(OrderEntity, { item: 'undone' });
        await fail(queryRunner.manager);
        expect(await failure(queryRunner.commitTransaction())).toMatchObject({
          name: 'QueryFailedError',
        });
        await queryRunner.rollbackTransaction();
        await river.insertTx(queryRunner, new SendReceipt('kept'));
      });
      expect(await stored(shop.database)).toEqual({ orders: ['kept'], jobs: 1 });
    });
  });

  test('names the statement that failed, not one that a savepoint has undone', async () => {
    const attempt = onRunner(async (queryRunner) => {
      await queryRunner.startTransaction();
      await caught(river.insertTx(queryRunner, refused));
      await queryRunner.rollbackTransaction();
      await expect(queryRunner.query('select 1/0')).rejects.toThrow('division by zero');
    });
    expect(await failure(attempt)).toMatchObject({
      cause: { message: expect.stringContaining('division by zero') as unknown },
    });
  });

  test('rejects a COMMIT that is sent as a statement', async () => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await caught(river.insertTx(queryRunner, refused));
      expect(await failure(queryRunner.query('commit'))).toBeInstanceOf(TransactionRolledBackError);
      await queryRunner.rollbackTransaction();
    } finally {
      await queryRunner.release();
    }
  });

  test('is left to TypeORM in a transaction that no call of ours was in', async () => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await river.insertTx(queryRunner, new SendReceipt('book'));
      await queryRunner.commitTransaction();
      await queryRunner.startTransaction();
      await failure(queryRunner.query('select 1/0'));
      await queryRunner.commitTransaction();
    } finally {
      await queryRunner.release();
    }
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('a query runner that is used for several transactions', () => {
  const BAD = { priority: 9 };

  test('adds one subscriber to the data source, however many inserts join', async () => {
    await onRunner((queryRunner) => river.insertTx(queryRunner, new SendReceipt('first')));
    const { length } = dataSource.subscribers;
    for (let round = 0; round < 3; round++)
      await onRunner((queryRunner) => river.insertTx(queryRunner, new SendReceipt('next')));
    expect(dataSource.subscribers).toHaveLength(length);
  });

  test('a failure of one that was rolled back does not fail the next', async () => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      void river.insertTx(queryRunner, new SendReceipt('bad'), BAD);
      await queryRunner.rollbackTransaction();
      await queryRunner.startTransaction();
      await river.insertTx(queryRunner, new SendReceipt('good'));
      await queryRunner.commitTransaction();
    } finally {
      await queryRunner.release();
    }
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('a nested rollback keeps what is known of the transaction around it', async () => {
    const attempt = onRunner(async (queryRunner) => {
      await queryRunner.startTransaction();
      await queryRunner.rollbackTransaction();
      void river.insertTx(queryRunner, new SendReceipt('bad'), BAD);
      await queryRunner.startTransaction();
      await queryRunner.rollbackTransaction();
    });
    expect(await failure(attempt)).toMatchObject({ name: 'InvalidJobError', field: 'priority' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

describe('a connection that is killed in a transaction of the application', () => {
  /** Ends the backend, and waits until the client has noticed. */
  async function kill(queryRunner: QueryRunner): Promise<void> {
    const client = (await queryRunner.connect()) as pg.PoolClient;
    const [{ pid } = { pid: 0 }] = (await queryRunner.query('select pg_backend_pid() as pid')) as {
      pid: number;
    }[];
    const gone = new Promise<void>((resolve) => client.once('end', () => resolve()));
    await queryAll(shop.database, `select pg_terminate_backend(${pid})`);
    await gone;
  }
  const calls: [string, (queryRunner: QueryRunner) => Promise<unknown>][] = [
    ['insertTx with the manager', ({ manager }) => river.insertTx(manager, refused)],
    ['insertTx with the runner', (queryRunner) => river.insertTx(queryRunner, refused)],
    ['insertManyFastTx', (queryRunner) => river.insertManyFastTx(queryRunner, [refused])],
    ['bind', (queryRunner) => transaction.bind(queryRunner, () => river.insert(refused))],
  ];

  describe.each(calls)('%s', (_name, call) => {
    test.each([0, 1])('is a retryable DatabaseError after %d inserts', async (inserts) => {
      const attempt = dataSource.transaction(async (manager) => {
        const queryRunner = manager.queryRunner as QueryRunner;
        for (let i = 0; i < inserts; i++) await river.insertTx(manager, new SendReceipt('book'));
        await kill(queryRunner);
        await call(queryRunner);
      });
      const error = await failure(attempt);
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error).toMatchObject({ code: 'RIVER_DATABASE', retryable: true });
    });
  });

  test('is one also for an insert that was bound before', async () => {
    const attempt = dataSource.transaction(async (manager) => {
      const queryRunner = manager.queryRunner as QueryRunner;
      await transaction.bind(queryRunner, async () => {
        await kill(queryRunner);
        await river.insert(refused);
      });
    });
    expect(await failure(attempt)).toMatchObject({ code: 'RIVER_DATABASE', retryable: true });
  });

  test('is not confused with a runner that the application released too early', async () => {
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    const client = (await queryRunner.connect()) as pg.PoolClient;
    await client.query('rollback');
    await queryRunner.release();
    expect(await failure(river.insertTx(queryRunner, refused))).toBeInstanceOf(
      NotInTransactionError,
    );
  });
});
