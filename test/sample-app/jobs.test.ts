import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { APP_FILTER } from '@nestjs/core';
import { jobArgs, RiverClient } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import { RiverErrorFilter } from '../../sample-app/src/http/river-error.filter.js';
import { JobsModule } from '../../sample-app/src/jobs/jobs.module.js';
import { plantJob } from '../administration/planted-jobs.js';
import { riverOn, startShopApp, type ShopApp } from '../http/shop-app.js';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';

let database: TestDatabase;
let dataSource: DataSource;
let app: ShopApp;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database);
  app = await startShopApp({
    modules: [riverOn(dataSource), JobsModule],
    providers: [{ provide: APP_FILTER, useClass: RiverErrorFilter }],
  });
});
afterAll(async () => {
  await app.stop();
  await dataSource.destroy();
});

test('a job whose metadata are null is shown without output', async () => {
  const id = await plantJob(database, {});
  await queryAll(database, `update river_job set metadata = 'null' where id = ${id}`);
  expect(await app.get(`/jobs/${id}`)).toMatchObject({ status: 200, body: { output: null } });
});

test('a retry of a job whose place an equal unique one has taken answers 409', async () => {
  const river = app.app.get(RiverClient);
  const args = jobArgs('unique', {});
  const { job } = await river.insert(args, { uniqueOpts: { byArgs: true } });
  await river.jobCancel(job.id);
  await river.insert(args, { uniqueOpts: { byArgs: true } });
  expect(await app.post(`/jobs/${job.id}/retry`)).toMatchObject({
    status: 409,
    body: { statusCode: 409, code: 'RIVER_DATABASE' },
  });
  expect((await app.post('/jobs/999999/retry')).status).toBe(404);
});
