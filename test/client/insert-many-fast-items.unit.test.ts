import { expect, jest, test } from '@jest/globals';
import { FastItems } from '../../lib/client/bulk/insert-many-fast-items.js';
import type { InsertParams } from '../../lib/insert/insert-params.js';

test('An item that arrives after an insert has ended is not made a job, and none is asked for after it', async () => {
  let arrive: (item: IteratorResult<unknown>) => void = () => undefined;
  const next = jest.fn(() => new Promise<IteratorResult<unknown>>((resolve) => (arrive = resolve)));
  const makeJob = jest.fn(() => ({}) as InsertParams);
  const take = jest.fn(() => true);
  const items = new FastItems({ [Symbol.asyncIterator]: () => ({ next }) }, makeJob);
  const reading = items.read(take);
  await items.close();
  arrive({ value: 'late', done: false });
  await expect(reading).resolves.toBe(false);
  expect(makeJob).not.toHaveBeenCalled();
  expect(take).not.toHaveBeenCalled();
  expect(next).toHaveBeenCalledTimes(1);
});
