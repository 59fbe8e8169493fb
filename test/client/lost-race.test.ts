import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs } from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const unique = { uniqueOpts: { byArgs: true } };

let client: StartedClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { extra: { options: '-c lock_timeout=700' } } });
});
afterAll(() => client.stop());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a batch that lost a race stores its other jobs once, and answers the winner’s row', async () => {
  const holder = await connect(client.database);
  await holder.query('begin');
  const { job } = await client.river.insertTx(holder, jobArgs('raced', { n: 1 }), unique);
  const batch = client.river.insertMany([
    jobArgs('plain', {}),
    InsertManyParams.of(jobArgs('raced', { n: 1 }), unique),
  ]);
  await pause(200);
  await holder.query('commit');
  await holder.end();
  const [plain, raced] = await batch;
  expect(plain.uniqueSkippedAsDuplicated).toBe(false);
  expect(raced).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: job.id } });
  expect(await countJobs(client.database, `kind = 'plain'`)).toBe(1);
});

test('a batch whose second look fails has stored nothing', async () => {
  await queryAll(client.database, 'delete from river_job');
  const holder = await connect(client.database);
  await holder.query('begin');
  await client.river.insertTx(holder, jobArgs('raced', { n: 2 }), unique);
  const batch = client.river.insertMany([
    jobArgs('plain', {}),
    InsertManyParams.of(jobArgs('raced', { n: 2 }), unique),
  ]);
  await pause(150);
  // Waits behind the batch, and keeps out whoever comes after it.
  const locker = await connect(client.database);
  await locker.query('begin');
  const locked = locker.query('lock table river_job in access exclusive mode');
  await pause(150);
  await holder.query('commit');
  await expect(batch).rejects.toMatchObject({ code: 'RIVER_DATABASE', sqlState: '55P03' });
  await locked;
  await locker.query('rollback');
  await Promise.all([holder.end(), locker.end()]);
  expect(await countJobs(client.database, `kind = 'plain'`)).toBe(0);
});
