import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  JobArgs,
  jobArgs,
  UniqueConflictError,
  type RiverClient,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, storedJobs, type StartedClient } from './started-client.js';

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(readonly id: number) {}
}

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 2, extra: { pipeline: true } } });
  river = client.river;
});
afterEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(() => client.stop());

const jobs = (count: number): object[] =>
  Array.from({ length: count }, (_, id) => jobArgs('plain', { id }));

describe("in pg's pipeline mode, which has no COPY, insertManyFast does the same without it", () => {
  test('any number of jobs, in their order', async () => {
    const told: number[] = [];
    const onProgress = (sent: number): unknown => told.push(sent);
    expect(await river.insertManyFast(jobs(3_500), { onProgress })).toEqual({
      inserted: 3_500,
      skipped: 0,
    });
    const stored = await storedJobs(client.database);
    expect(stored.map(({ args }) => (args as { id: number }).id)).toEqual(
      jobs(3_500).map((_, id) => id),
    );
    expect(told).toEqual([1_000, 2_000, 3_000, 3_500]);
  });

  test('one bad job inserts nothing', async () => {
    const items = jobs(3_500);
    items[2_500] = InsertManyParams.of(jobArgs('bad', {}), { priority: 9 });
    await expect(river.insertManyFast(items)).rejects.toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      index: 2_500,
    });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('an equal unique job fails the whole, or is left out', async () => {
    await river.insert(new Unique(7));
    const items = [...jobs(1_500), new Unique(1), new Unique(7), new Unique(2), new Unique(1)];
    const conflict = river.insertManyFast(items);
    await expect(conflict).rejects.toBeInstanceOf(UniqueConflictError);
    await expect(conflict).rejects.toMatchObject({ index: 1_501 });
    expect(await countJobs(client.database)).toBe(1);
    expect(await river.insertManyFast(items, { onConflict: 'skip' })).toEqual({
      inserted: 1_502,
      skipped: 2,
    });
  });

  test('an abort, and items that throw', async () => {
    const abort = new AbortController();
    const onProgress = (): void => abort.abort('stop');
    const { signal } = abort;
    await expect(river.insertManyFast(jobs(3_000), { onProgress, signal })).rejects.toMatchObject({
      code: 'RIVER_ABORTED',
    });
    const thrown = new Error('no more');
    const throwing = (function* () {
      yield* jobs(1_500);
      throw thrown;
    })();
    await expect(river.insertManyFast(throwing)).rejects.toMatchObject({
      code: 'RIVER_ITEMS_FAILED',
      cause: thrown,
    });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('in a transaction, together with statements at the same time', async () => {
    await client.transaction.run((manager) =>
      Promise.all([
        river.insertManyFast(jobs(1_500)),
        manager.query('select 1'),
        river.insertManyFast([new Unique(1), new Unique(1)], { onConflict: 'skip' }),
        river.insert(new Unique(2)),
      ]),
    );
    expect(await countJobs(client.database)).toBe(1_502);
    const rolledBack = client.dataSource.transaction(async (manager) => {
      await river.insertManyFastTx(manager, jobs(1_500));
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    expect(await countJobs(client.database)).toBe(1_502);
  });

  test('what fails in a transaction after the first jobs were sent has aborted it', async () => {
    const failed = client.transaction.run(async () => {
      const items = [...jobs(1_500), jobArgs('bad', { id: Number.NaN })];
      await expect(river.insertManyFast(items)).rejects.toMatchObject({ index: 1_500 });
    });
    await expect(failed).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ROLLED_BACK' });
    expect(await countJobs(client.database)).toBe(0);
    await client.transaction.run(async () => {
      const items = [jobArgs('bad', { id: Number.NaN })];
      await expect(river.insertManyFast(items)).rejects.toMatchObject({ index: 0 });
      await river.insertManyFast(jobs(3));
    });
    expect(await countJobs(client.database)).toBe(3);
  });
});
