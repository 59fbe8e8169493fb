import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { JobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import { countJobs } from '../client/started-client.js';
import { createDataSource, createTestDatabase, type TestDatabase } from '../support/index.js';
import { start } from './applications.js';

@JobArgs('sort')
class SortArgs {}

function otherSortArgs(): object {
  @JobArgs('sort')
  class OtherSortArgs {}
  return new OtherSortArgs();
}

let databases: TestDatabase[];
let dataSources: DataSource[];
let applications: INestApplicationContext[];
beforeAll(async () => {
  databases = [await createTestDatabase(), await createTestDatabase()];
  dataSources = await Promise.all(databases.map((database) => createDataSource(database)));
  applications = await Promise.all(
    dataSources.map((dataSource, index) =>
      start([RiverModule.forRoot({ dataSource, maxAttempts: index + 1 })]),
    ),
  );
});
afterAll(async () => {
  for (const dataSource of dataSources) await dataSource.destroy();
});

function part<T>(index: number, token: new (...args: never[]) => T): T {
  return (applications[index] as INestApplicationContext).get<T>(token);
}

describe('two applications in one process', () => {
  test('have their own clients, options and data sources', async () => {
    const results = [
      await part(0, RiverClient).insert(new SortArgs()),
      await part(1, RiverClient).insert(new SortArgs()),
    ];
    expect(results.map(({ job }) => [job.id, job.maxAttempts])).toEqual([
      ['1', 1],
      ['1', 2],
    ]);
  });

  test('have their own transactions, also within each other', async () => {
    const attempt = part(0, RiverTransaction).run(async () => {
      expect(part(1, RiverTransaction).isActive).toBe(false);
      await part(0, RiverClient).insert(new SortArgs());
      await part(1, RiverClient).insert(new SortArgs());
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    const counts = await Promise.all(databases.map((database) => countJobs(database)));
    expect(counts).toEqual([1, 2]);
  });

  test('have their own kinds', async () => {
    await expect(part(0, RiverClient).insert(otherSortArgs())).rejects.toMatchObject({
      code: 'RIVER_KIND_TAKEN',
    });
    const [dataSource] = dataSources;
    const third = await start([RiverModule.forRoot({ dataSource: dataSource as DataSource })]);
    await third.get(RiverClient).insert(otherSortArgs());
    await third.close();
  });

  test('leave nothing behind: one goes on when the other is closed, and starts again', async () => {
    await part(0, RiverClient).insert(new SortArgs());
    await applications[0]?.close();
    await part(1, RiverClient).insert(new SortArgs());
    applications[0] = await start([
      RiverModule.forRoot({ dataSource: dataSources[0] as DataSource }),
    ]);
    await part(0, RiverClient).insert(otherSortArgs());
    for (const application of applications) await application.close();
  });
});
