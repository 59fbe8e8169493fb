import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  TransactionEndedError,
  TransactionRolledBackError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { refuseJobs } from '../client/refuse-jobs.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let river: RiverClient;
let transaction: RiverTransaction;
let pool: pg.Pool;
beforeAll(async () => {
  // One connection, which everybody is handed out in turn.
  shop = await startShop({ max: 1 });
  ({ river, transaction } = shop);
  ({ master: pool } = shop.dataSource.driver as unknown as { master: pg.Pool });
  await refuseJobs(shop.database, "new.args->>'item' = 'refused'");
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

/** The raw client of a transaction of ours, kept after its end. */
const keptClient = (): Promise<pg.PoolClient> =>
  transaction.run(async ({ queryRunner }) => (await queryRunner?.connect()) as pg.PoolClient);

interface Gate {
  open: () => void;
  readonly opened: Promise<void>;
}
function gate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** Begins something in a transaction that has ended by the time the gate opens. */
async function leftover(work: (client: pg.PoolClient) => Promise<unknown>): Promise<{
  open: () => void;
  result: Promise<unknown>;
}> {
  const { open, opened } = gate();
  let result: Promise<unknown> = Promise.resolve();
  await transaction.run(async ({ queryRunner }) => {
    const client = (await queryRunner?.connect()) as pg.PoolClient;
    result = opened
      .then(() => work(client))
      .then(
        () => 'resolved',
        (error: unknown) => error,
      );
  });
  return { open, result };
}

describe('insertTx with the raw client of a finished transaction of ours', () => {
  test('is rejected while the client is idle in the pool', async () => {
    const client = await keptClient();
    await expect(river.insertTx(client, new SendReceipt('late'))).rejects.toThrow(
      TransactionEndedError,
    );
    await expect(river.insertManyFastTx(client, [new SendReceipt('late')])).rejects.toThrow(
      TransactionEndedError,
    );
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('is rejected while another transaction of ours has the client', async () => {
    const { open, result } = await leftover((client) =>
      river.insertTx(client, new SendReceipt('late')),
    );
    await transaction.run(async () => {
      open();
      expect(await result).toBeInstanceOf(TransactionEndedError);
      await river.insert(new SendReceipt('of the next'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test("is rejected while the application's own transaction has the client", async () => {
    const { open, result } = await leftover((client) =>
      river.insertTx(client, new SendReceipt('late')),
    );
    const client = await pool.connect();
    try {
      await client.query('begin');
      open();
      expect(await result).toBeInstanceOf(TransactionEndedError);
      await client.query('commit');
    } finally {
      client.release();
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test("works when the pool hands the client out to the application's own transaction", async () => {
    const kept = await keptClient();
    const client = await pool.connect();
    try {
      expect(client).toBe(kept);
      await client.query('begin');
      await river.insertTx(client, new SendReceipt('own'));
      await client.query('commit');
    } finally {
      client.release();
    }
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('insertTx with the raw client of an open transaction of ours', () => {
  test('joins it, awaited or not', async () => {
    await transaction.run(async ({ queryRunner }) => {
      const client = (await queryRunner?.connect()) as pg.PoolClient;
      await river.insertTx(client, new SendReceipt('awaited'));
      void river.insertTx(client, new SendReceipt('not awaited'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 2 });
  });

  test('is undone with the savepoint that it was called in', async () => {
    await transaction.run(async ({ queryRunner }) => {
      const client = (await queryRunner?.connect()) as pg.PoolClient;
      const nested = transaction.run({ propagation: 'NESTED' }, async () => {
        await river.insertTx(client, new SendReceipt('undone'));
        throw new Error('undone');
      });
      await expect(nested).rejects.toThrow('undone');
      await river.insertTx(client, new SendReceipt('kept'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('fails it when it fails, also when the caller caught the error', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.insert(OrderEntity, { item: 'book' });
      const client = (await manager.queryRunner?.connect()) as pg.PoolClient;
      await river.insertTx(client, new SendReceipt('refused')).catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow(TransactionRolledBackError);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});
