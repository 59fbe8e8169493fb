import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InsertManyParams, UniqueConflictError, type InsertManyItem } from 'nestjs-river';
import { SendReceipt, SIDES, SortArgs, type Side } from './sides.js';

describe.each(SIDES)('%s, insertManyFast', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  const stored = async (): Promise<unknown[]> => {
    const { jobs } = await side.river.jobList({ first: 10_000 });
    return jobs.map(({ args }) => args);
  };
  const sorts = (count: number): SortArgs[] =>
    Array.from({ length: count }, (_, index) => new SortArgs([String(index)]));

  test('stores jobs of an array, and of an async generator, in their order', async () => {
    const { river } = side;
    expect(await river.insertManyFast(sorts(1_500))).toEqual({ inserted: 1_500, skipped: 0 });
    async function* items(): AsyncGenerator<InsertManyItem> {
      await Promise.resolve();
      yield new SendReceipt(1);
      yield InsertManyParams.of(new SendReceipt(2), { priority: 3, delay: 60_000 });
    }
    expect(await river.insertManyFast(items())).toEqual({ inserted: 2, skipped: 0 });
    expect(await stored()).toEqual([
      ...sorts(1_500).map((args) => ({ ...args })),
      { order: 1 },
      { order: 2 },
    ]);
    const { jobs } = await river.jobList({ priorities: [3] });
    expect(jobs).toMatchObject([{ state: 'scheduled', queue: 'mail', maxAttempts: 3 }]);
  });

  test('fails as a whole, or leaves duplicates out', async () => {
    const { river } = side;
    await river.insert(new SendReceipt(1));
    const items = [new SortArgs([]), new SendReceipt(2), new SendReceipt(1), new SendReceipt(2)];
    const failing = river.insertManyFast(items);
    await expect(failing).rejects.toBeInstanceOf(UniqueConflictError);
    await expect(failing).rejects.toMatchObject({ index: 2 });
    expect(await stored()).toHaveLength(1);
    const skipping = river.insertManyFast(items, { onConflict: 'skip' });
    expect(await skipping).toEqual({ inserted: 2, skipped: 2 });
  });

  test('checks each item, and stores nothing when one is wrong', async () => {
    const wrong = [...sorts(2), InsertManyParams.of(new SortArgs([]), { priority: 9 })];
    await expect(side.river.insertManyFast(wrong)).rejects.toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      index: 2,
    });
    expect(await stored()).toEqual([]);
  });

  test('joins a transaction, which it fails with, and is undone with it', async () => {
    const undone = side.transaction.run(async (manager) => {
      await side.river.insertManyFast(sorts(2));
      await side.river.insertManyFastTx(manager, sorts(3));
      expect(await stored()).toHaveLength(5);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await stored()).toEqual([]);
    const swallowed = side.transaction.run(async () => {
      const twice = [new SendReceipt(1), new SendReceipt(1)];
      await side.river.insertManyFast(twice).catch(() => undefined);
    });
    await expect(swallowed).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ROLLED_BACK' });
    expect(await stored()).toEqual([]);
  });

  test('an empty list stores nothing, and an abort ends it', async () => {
    expect(await side.river.insertManyFast([])).toEqual({ inserted: 0, skipped: 0 });
    const aborted = side.river.insertManyFast(sorts(2), { signal: AbortSignal.abort('enough') });
    await expect(aborted).rejects.toMatchObject({ code: 'RIVER_ABORTED' });
    expect(await stored()).toEqual([]);
  });
});
