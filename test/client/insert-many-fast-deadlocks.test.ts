import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InsertItemsError, jobArgs } from 'nestjs-river';
import { copyLimits } from '../../lib/postgres/copy/copy-limits.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { inUse, NOT_IN_USE } from '../transaction/orders.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const usual = { ...copyLimits };

let database: TestDatabase;
beforeAll(async () => {
  Object.assign(copyLimits, { checkEveryMs: 10, stalledAfterMs: 200, closeWithinMs: 50 });
  database = await createTestDatabase();
});
afterEach(() => queryAll(database, 'truncate river_job'));
afterAll(() => {
  Object.assign(copyLimits, usual);
});

async function withPool(
  max: number,
  work: (client: StartedClient) => Promise<void>,
): Promise<void> {
  const client = await startClient({ database, dataSource: { max }, river: { notify: false } });
  try {
    await work(client);
    expect(inUse(client.dataSource)).toEqual(NOT_IN_USE);
  } finally {
    await client.stop();
  }
}

/** Jobs, of which each is read after `before`. */
async function* items(before: () => unknown, count = 1): AsyncGenerator<object> {
  for (let id = 0; id < count; id++) {
    await before();
    yield jobArgs('plain', { id });
  }
}

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'stored',
    (error: unknown) => error,
  );

describe('items that wait for a connection of the pool', () => {
  test.each([1, 2, 5])(
    'end with InsertItemsError where as many inserts have all %i connections',
    (max) =>
      withPool(max, async ({ dataSource, river }) => {
        const all = Array.from({ length: max }, () =>
          failure(river.insertManyFast(items(() => dataSource.query('select 1')))),
        );
        // One whose items do not come may let the others have its connection.
        const errors = (await Promise.all(all)).filter((outcome) => outcome !== 'stored');
        expect(errors.length).toBeGreaterThan(0);
        for (const error of errors) {
          expect(error).toBeInstanceOf(InsertItemsError);
          expect(error).toMatchObject({ code: 'RIVER_ITEMS_FAILED', index: 0 });
          expect((error as Error).message).toContain('raise the size of the pool');
        }
        expect(await countJobs(database)).toBe(max - errors.length);
      }),
  );

  test('end with InsertItemsError where the rest is held by a transaction that waits for them', () =>
    withPool(2, async ({ dataSource, river, transaction }) => {
      const outer = transaction.run(() =>
        transaction.outside(() => river.insertManyFast(items(() => dataSource.query('select 1')))),
      );
      expect(await failure(outer)).toMatchObject({ code: 'RIVER_ITEMS_FAILED' });
      expect(await countJobs(database)).toBe(0);
    }));

  test('are waited for while another connection executes a statement', () =>
    withPool(2, async ({ dataSource, river }) => {
      const busy = dataSource.query('select pg_sleep(0.6)');
      const query = (): Promise<unknown> => dataSource.query('select 1');
      expect(await river.insertManyFast(items(query))).toEqual({ inserted: 1, skipped: 0 });
      await busy;
    }));
});

test('slow items are waited for while nobody waits for a connection', () =>
  withPool(1, async ({ river }) => {
    const slow = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 500));
    expect(await river.insertManyFast(items(slow))).toEqual({ inserted: 1, skipped: 0 });
  }));

test('onProgress that waits for the transaction of the insert is a deadlock, too', () =>
  withPool(1, async ({ river, transaction }) => {
    const outcome = transaction.run((manager) =>
      river.insertManyFast(
        items(() => undefined),
        {
          onProgress: () => manager.query('select 1'),
        },
      ),
    );
    expect(await failure(outcome)).toMatchObject({ code: 'RIVER_ITEMS_FAILED' });
    expect(await countJobs(database)).toBe(0);
  }));

test('items that wait for another bulk insert of the same query runner are a deadlock', () =>
  withPool(1, async ({ dataSource, river }) => {
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    const inner = (): Promise<unknown> =>
      river.insertManyFastTx(queryRunner, [jobArgs('inner', {})]);
    expect(await failure(river.insertManyFastTx(queryRunner, items(inner)))).toMatchObject({
      code: 'RIVER_ITEMS_FAILED',
    });
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
    expect(await countJobs(database)).toBe(0);
  }));

test('items that never finish cleaning up do not keep a failed insert from its end', () =>
  withPool(1, async ({ river }) => {
    const bad = (function* () {
      yield jobArgs('bad', { id: Number.NaN });
    })();
    const neverClosed = {
      [Symbol.asyncIterator]: () => ({
        next: async () => bad.next(),
        return: () => new Promise<never>(() => undefined),
      }),
    };
    expect(await failure(river.insertManyFast(neverClosed))).toMatchObject({ index: 0 });
  }));
