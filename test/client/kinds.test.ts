import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InvalidJobError, JobArgs, jobArgs } from 'nestjs-river';
import { startClient, type StartedClient } from './started-client.js';

/** A class is made by each call, as a module that is loaded again makes it. */
function loadSortArgs(): new () => object {
  @JobArgs('sort')
  class SortArgs {}
  return SortArgs;
}

function loadOtherArgs(): new () => object {
  @JobArgs('sort')
  class OtherArgs {}
  return OtherArgs;
}

let one: StartedClient;
let two: StartedClient;
beforeAll(async () => {
  one = await startClient();
  two = await startClient({ database: one.database });
});
afterAll(async () => {
  await one.stop();
  await two.stop();
});

describe('a kind', () => {
  test('belongs to the first class that inserts it; a second is refused, naming both', async () => {
    await one.river.insert(new (loadSortArgs())());
    const error: unknown = await one.river
      .insert(new (loadOtherArgs())())
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidJobError);
    expect(error).toMatchObject({ code: 'RIVER_KIND_TAKEN', field: 'kind' });
    expect((error as Error).message).toMatch(/SortArgs.*OtherArgs/);
  });

  test('may be claimed by a class of the same name, which was loaded again', async () => {
    await one.river.insert(new (loadSortArgs())());
    await one.river.insert(new (loadSortArgs())());
  });

  test('may be inserted without a class beside it', async () => {
    await one.river.insert(jobArgs('sort', {}));
    await one.river.insert({ kind: 'sort' });
  });

  test('is claimed in each client by itself', async () => {
    await one.river.insert(new (loadSortArgs())());
    await two.river.insert(new (loadOtherArgs())());
    await expect(two.river.insert(new (loadSortArgs())())).rejects.toMatchObject({
      code: 'RIVER_KIND_TAKEN',
    });
  });

  test('is refused by its index in a batch', async () => {
    await one.river.insert(new (loadSortArgs())());
    const batch = [new (loadSortArgs())(), new (loadOtherArgs())()];
    await expect(one.river.insertMany(batch)).rejects.toMatchObject({
      code: 'RIVER_KIND_TAKEN',
      index: 1,
    });
  });
});
