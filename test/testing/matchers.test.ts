import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { riverMatchers } from 'nestjs-river/testing';
import { SendReceipt, SIDES, SortArgs, type Side } from './sides.js';

expect.extend(riverMatchers);

describe.each(SIDES)('%s, matchers', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  test('toHaveInserted finds at least one job that is as expected', async () => {
    await expect(side.river).not.toHaveInserted(SortArgs);
    await side.river.insert(new SortArgs(['a']), { priority: 3 });
    await side.river.insert(new SortArgs(['b']));
    await expect(side.river).toHaveInserted(SortArgs);
    await expect(side.river).toHaveInserted(SortArgs, { priority: 3, args: { strings: ['a'] } });
    await expect(side.river).not.toHaveInserted(SortArgs, { priority: 2 });
    await expect(side.dataSource.manager).toHaveInserted('sort');
    await side.transaction.run(async (manager) => {
      await side.river.insert(new SendReceipt(1));
      await expect(manager).toHaveInserted(SendReceipt);
    });
  });

  test('a message shows what is there instead', async () => {
    await side.river.insert(new SendReceipt(7));
    const wrong = expect(side.river).toHaveInserted(SendReceipt, { args: { order: 8 } });
    await expect(wrong).rejects.toThrow(
      /The job of kind "send_receipt" is not as expected:\n {2}args\.order: expected 8, got 7\n/,
    );
    await expect(expect(side.river).toHaveInserted(SortArgs)).rejects.toThrow(
      /No job of kind "sort" was inserted\.\n\nJobs of other kinds that are there:\n {2}send_receipt /,
    );
    await expect(expect(side.river).not.toHaveInserted(SendReceipt)).rejects.toThrow(
      /A job of kind "send_receipt" was inserted, and none was expected\./,
    );
    await expect(expect(5).toHaveInserted(SortArgs)).rejects.toThrow('by a RiverClient, or');
  });

  test('toHaveInsertedMany takes exactly these jobs in this order', async () => {
    await side.river.insertMany([new SendReceipt(1), new SortArgs([]), new SendReceipt(2)]);
    await expect(side.river).toHaveInsertedMany([
      SendReceipt,
      SortArgs,
      [SendReceipt, { args: { order: 2 } }],
    ]);
    await expect(side.river).not.toHaveInsertedMany([SortArgs, SendReceipt]);
    const wrong = expect(side.river).toHaveInsertedMany([SortArgs, SortArgs]);
    await expect(wrong).rejects.toThrow('Jobs of the kinds sort, sort were expected');
  });
});
