import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  jobArgs,
  NotInTransactionError,
  RiverClient,
  RiverModule,
  RiverTransaction,
  TransactionRolledBackError,
} from 'nestjs-river';
import { RiverMigrator } from 'nestjs-river/migrations';
import pg from 'pg-oldest';
import { DataSource, type QueryRunner } from 'typeorm';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';

const JOB = jobArgs('job', {});

let database: TestDatabase;
let dataSource: DataSource;
let held: QueryRunner;
let river: RiverClient;
let transaction: RiverTransaction;
let stop: () => Promise<void>;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = new DataSource({ type: 'postgres', url: database.url, driver: pg });
  await dataSource.initialize();
  held = dataSource.createQueryRunner();
  await held.startTransaction();
  const module = await Test.createTestingModule({
    imports: [RiverModule.forRoot({ dataSource })],
  }).compile();
  const app = await module.init();
  river = app.get(RiverClient);
  transaction = app.get(RiverTransaction);
  stop = () => app.close();
});
beforeEach(() => queryAll(database, 'delete from river_job'));
afterAll(async () => {
  await stop();
  await dataSource.destroy();
});

const count = async (): Promise<unknown> =>
  (await queryAll(database, 'select count(*)::int as jobs from river_job'))[0]?.['jobs'];

async function onClient(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

test('a query runner that was in a transaction before the start is joined', async () => {
  await river.insertTx(held, JOB);
  expect(await count()).toBe(0);
  await held.commitTransaction();
  await held.release();
  expect(await count()).toBe(1);
});

test('the driver has no transaction status of its own', () => {
  expect(pg.Client.prototype).not.toHaveProperty('getTransactionStatus');
});

describe('transactions of ours', () => {
  test('store a job with everything else, or nothing', async () => {
    await transaction.run(async (manager) => {
      await manager.query('select 1');
      await river.insert(JOB);
      await river.insertManyFast([JOB, JOB]);
      expect(await count()).toBe(0);
    });
    expect(await count()).toBe(3);
    const failing = transaction.run(async () => {
      await river.insert(JOB);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await count()).toBe(3);
  });

  test('are rejected where the server rolls back at COMMIT', async () => {
    const failing = transaction.run(async (manager) => {
      await river.insert(JOB);
      await manager.query('select 1 / 0').catch(() => undefined);
    });
    await expect(failing).rejects.toBeInstanceOf(TransactionRolledBackError);
    expect(await count()).toBe(0);
  });

  test('run at the same time as others', async () => {
    const work = (_job: unknown, index: number) =>
      transaction.run(async () => {
        await Promise.all([river.insert(JOB), river.insert(JOB)]);
        if (index % 2 === 0) throw new Error('on purpose');
      });
    await Promise.allSettled(Array.from({ length: 20 }, work));
    expect(await count()).toBe(20);
  });
});

describe('transactions of the application', () => {
  test('of a query runner are joined while they are open', async () => {
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await river.insertTx(queryRunner, JOB);
    await queryRunner.rollbackTransaction();
    expect(await count()).toBe(0);
    await expect(river.insertTx(queryRunner, JOB)).rejects.toBeInstanceOf(NotInTransactionError);
    await queryRunner.release();
  });

  test('of a client of another pool are joined while they are open', async () => {
    await onClient(async (client) => {
      await client.query('begin');
      await river.insertTx(client, JOB);
      await client.query('rollback');
      await expect(river.insertTx(client, JOB)).rejects.toBeInstanceOf(NotInTransactionError);
    });
    await onClient(async (client) => {
      await expect(river.insertTx(client, JOB)).rejects.toBeInstanceOf(NotInTransactionError);
    });
    expect(await count()).toBe(0);
  });
});

describe('migrations run', () => {
  const version = (client: pg.Client | pg.Pool) =>
    client.query('select max(version)::int as version from river_migration');
  const down = { direction: 'down', targetVersion: 7 } as const;

  test('on a client, in its transaction', async () => {
    await onClient(async (client) => {
      await client.query('begin');
      await new RiverMigrator(client).migrate(down);
      await client.query('rollback');
      expect((await version(client)).rows).toEqual([{ version: 8 }]);
    });
  });

  test('on a pool', async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    await new RiverMigrator(pool).migrate(down);
    expect((await version(pool)).rows).toEqual([{ version: 7 }]);
    expect(pool.idleCount).toBe(pool.totalCount);
    await new RiverMigrator(pool).migrate({ direction: 'up' });
    await pool.end();
  });

  test('not on a client that is not connected', () => {
    expect(() => new RiverMigrator(new pg.Client(database.url))).toThrow('is not connected');
  });
});
