import { Global, Module } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { jobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import { countJobs } from '../client/started-client.js';
import {
  createDataSource,
  createEmptyDatabase,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { typeOrm, withApplication, type Imports } from './applications.js';

let database: TestDatabase;
let empty: TestDatabase;
let dataSource: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  empty = await createEmptyDatabase();
  dataSource = await createDataSource(database);
});
beforeEach(() => queryAll(database, 'delete from river_job'));
afterAll(() => dataSource.destroy());

/** That the client and the transaction helper of the application work on our database. */
async function expectJobs(imports: Imports): Promise<void> {
  await withApplication(imports, async (app) => {
    await app.get(RiverClient).insert(jobArgs('job', {}));
    const attempt = app.get(RiverTransaction).run(async () => {
      await app.get(RiverClient).insert(jobArgs('rolled_back', {}));
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
  });
  expect(await countJobs(database)).toBe(1);
}

describe('the data source', () => {
  test('is the default one of TypeOrmModule, for forRoot() without arguments', async () => {
    await expectJobs([typeOrm(database), RiverModule.forRoot()]);
  });

  test('is found whichever module is imported first', async () => {
    await expectJobs([RiverModule.forRoot(), typeOrm(database)]);
  });

  test("is the default one by its name 'default', too", async () => {
    await expectJobs([typeOrm(database), RiverModule.forRoot({ dataSource: 'default' })]);
  });

  test('is found by its name, beside a default one without jobs', async () => {
    await expectJobs([
      typeOrm(empty),
      typeOrm(database, 'jobs'),
      RiverModule.forRoot({ dataSource: 'jobs' }),
    ]);
  });

  test('is the object given, without TypeOrmModule', async () => {
    await expectJobs([RiverModule.forRoot({ dataSource })]);
    expect(dataSource.isInitialized).toBe(true);
  });

  test('is the one provided by hand in a global module', async () => {
    @Global()
    @Module({
      providers: [{ provide: DataSource, useFactory: () => dataSource }],
      exports: [DataSource],
    })
    class DatabaseModule {}
    await expectJobs([DatabaseModule, RiverModule.forRoot()]);
  });

  test('is the one provided by hand under the token of a name', async () => {
    @Global()
    @Module({
      providers: [{ provide: 'jobsDataSource', useFactory: () => dataSource }],
      exports: ['jobsDataSource'],
    })
    class DatabaseModule {}
    await expectJobs([DatabaseModule, RiverModule.forRoot({ dataSource: 'jobs' })]);
  });

  test('is the one of a module that forRootAsync imports', async () => {
    @Module({
      providers: [{ provide: DataSource, useFactory: () => dataSource }],
      exports: [DataSource],
    })
    class DatabaseModule {}
    await expectJobs([
      RiverModule.forRootAsync({ imports: [DatabaseModule], useFactory: () => ({}) }),
    ]);
  });

  test('is not closed with the application that did not open it', async () => {
    await withApplication([RiverModule.forRoot({ dataSource })], () => undefined);
    await expectJobs([RiverModule.forRoot({ dataSource })]);
  });
});
