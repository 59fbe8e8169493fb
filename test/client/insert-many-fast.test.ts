import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { jobArgs } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
beforeAll(async () => {
  client = await startClient();
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'truncate river_job'));

test('smoke', async () => {
  const many = Array.from({ length: 5000 }, (_, id) => jobArgs('plain', { id }));
  expect(await client.river.insertManyFast(many)).toEqual({ inserted: 5000, skipped: 0 });
  expect(await countJobs(client.database)).toBe(5000);
  expect(await client.river.insertManyFast(many, { onConflict: 'skip' })).toEqual({ inserted: 5000, skipped: 0 });
  await client.transaction.run(async () => {
    expect(await client.river.insertManyFast(many, { onConflict: 'skip' })).toEqual({ inserted: 5000, skipped: 0 });
    expect(await client.river.insertManyFast(many, { onConflict: 'skip' })).toEqual({ inserted: 5000, skipped: 0 });
    expect(await client.river.insertManyFast(many)).toEqual({ inserted: 5000, skipped: 0 });
  });
  expect(await countJobs(client.database)).toBe(25000);
});
