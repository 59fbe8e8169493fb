import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals';
import { Logger } from '@nestjs/common';
import { jobArgs, RiverClient, RiverModule, type RiverModuleForRootOptions } from 'nestjs-river';
import { RiverMigrator } from 'nestjs-river/migrations';
import type { DataSource } from 'typeorm';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import { silence, startError, withApplication } from '../module/applications.js';
import {
  connect,
  createDataSource,
  createEmptyDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';

let database: TestDatabase;
let dataSource: DataSource;
beforeAll(silence);
beforeEach(async () => {
  database = await createEmptyDatabase();
  dataSource = await createDataSource(database);
});
afterEach(() => dataSource.destroy());

describe('RiverModule.forRoot({ migrate: true })', () => {
  test("brings River's tables up before the application has started, and says so once", async () => {
    const log = jest.spyOn(Logger.prototype, 'log');
    const modules = () => [RiverModule.forRoot({ dataSource, migrate: true })];
    for (const _start of [1, 2]) {
      await withApplication(modules(), (app) => app.get(RiverClient).insert(jobArgs('first', {})));
    }
    expect(log.mock.calls.filter(([message]) => /River's schema/.test(String(message)))).toEqual([
      ["River's schema: applied versions 1, 2, 3, 4, 5, 6, 7, 8"],
    ]);
    log.mockRestore();
    expect(await riverMigrations(database)).toHaveLength(8);
    expect(await queryAll(database, 'select kind from river_job')).toHaveLength(2);
  });

  test('is in the gift of a factory, too, and knows the schema', async () => {
    await queryAll(database, 'create schema jobs');
    const module = RiverModule.forRootAsync({
      dataSource,
      useFactory: () => Promise.resolve({ migrate: true, schema: 'jobs' }),
    });
    await withApplication([module], (app) => app.get(RiverClient).insert(jobArgs('first', {})));
    expect(await riverMigrations({ ...database, schema: 'jobs' })).toHaveLength(8);
    expect(await catalogue(database)).toEqual([]);
  });

  test('lets applications that start at once come up together', async () => {
    const sources = await Promise.all([1, 2, 3].map(() => createDataSource(database, { max: 2 })));
    const starts = [...sources, dataSource].map((source) =>
      withApplication([RiverModule.forRoot({ dataSource: source, migrate: true })], (app) =>
        app.get(RiverClient).insert(jobArgs('first', {})),
      ),
    );
    await Promise.all(starts);
    await Promise.all(sources.map((source) => source.destroy()));
    expect(await riverMigrations(database)).toHaveLength(8);
    expect(await queryAll(database, 'select kind from river_job')).toHaveLength(4);
  });

  test.each([undefined, false])('migrate: %s leaves the database alone', async (migrate) => {
    expect(await startError([RiverModule.forRoot({ dataSource, migrate })])).toMatchObject({
      code: 'RIVER_SCHEMA_MISSING',
      message: expect.stringContaining('npx nestjs-river migrate-up') as unknown,
    });
    expect(await catalogue(database)).toEqual([]);
  });

  test('must be a boolean', async () => {
    const options = { dataSource, migrate: 'yes' } as unknown as RiverModuleForRootOptions;
    expect(await startError([RiverModule.forRoot(options)])).toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'migrate',
    });
  });
});

describe('an application that may not start, because', () => {
  const roles: { database: TestDatabase; role: string }[] = [];
  afterAll(async () => {
    for (const { database: where, role } of roles) {
      await queryAll(where, `drop owned by "${role}"; drop role "${role}"`);
    }
  });
  const errorOf = (source: DataSource): Promise<unknown> =>
    startError([RiverModule.forRoot({ dataSource: source, migrate: true })]);

  test('its database user lacks the right', async () => {
    const role = `${database.name}_role`;
    roles.push({ database, role });
    await queryAll(database, `create role "${role}"; revoke create on schema public from public`);
    const poor = await createDataSource(database, { extra: { options: `-c role=${role}` } });
    expect(await errorOf(poor)).toMatchObject({
      name: 'RiverMigrationError',
      code: 'RIVER_MIGRATION_FAILED',
      version: 1,
    });
    await poor.destroy();
    expect(await catalogue(database)).toEqual([]);
  });

  test('the database is newer', async () => {
    const client = await connect(database);
    await new RiverMigrator(client).migrate({ direction: 'up' });
    await client.query("insert into river_migration (line, version) values ('main', 9)");
    await client.end();
    expect(await errorOf(dataSource)).toMatchObject({ code: 'RIVER_SCHEMA_NEWER' });
  });

  test('the schema does not exist', async () => {
    const module = RiverModule.forRoot({ dataSource, migrate: true, schema: 'nowhere' });
    expect(await startError([module])).toMatchObject({
      code: 'RIVER_MIGRATION_FAILED',
      message: expect.stringContaining('Create it first') as unknown,
    });
  });
});
