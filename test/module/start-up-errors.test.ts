import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  jobArgs,
  RiverClient,
  RiverConfigurationError,
  RiverModule,
  type PgClient,
  type RiverModuleForRootOptions,
} from 'nestjs-river';
import {
  createDataSource,
  createEmptyDatabase,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { configurationError, silence, startError, withApplication } from './applications.js';

let database: TestDatabase;
let dataSource: DataSource;
beforeAll(async () => {
  silence();
  database = await createTestDatabase();
  dataSource = await createDataSource(database);
});
afterAll(() => dataSource.destroy());

const errorOf = (options: unknown): Promise<RiverConfigurationError> =>
  configurationError([RiverModule.forRoot(options as RiverModuleForRootOptions)]);

/** As TypeOrmModule would; but it opens no connection, which nobody would close here. */
const providing = (provide: string | typeof DataSource): DynamicModule => ({
  module: class {},
  global: true,
  providers: [{ provide, useFactory: () => dataSource }],
  exports: [provide],
});

describe('a data source that', () => {
  test('is not provided at all', async () => {
    const error = await configurationError([RiverModule.forRoot()]);
    expect(error).toMatchObject({ code: 'RIVER_DATA_SOURCE_MISSING', field: 'dataSource' });
    expect(error.message).toContain('the default data source is not provided');
    expect(error.message).toContain('TypeOrmModule.forRoot');
  });

  test('is not provided under its name, and is named in the error', async () => {
    const modules = [providing(DataSource), RiverModule.forRoot({ dataSource: 'jobs' })];
    const error = await configurationError(modules);
    expect(error.code).toBe('RIVER_DATA_SOURCE_MISSING');
    expect(error.message).toContain("'jobs'");
  });

  test('is only there under a name, where the default one is meant', async () => {
    const modules = [providing('jobsDataSource'), RiverModule.forRoot()];
    expect(await configurationError(modules)).toMatchObject({ code: 'RIVER_DATA_SOURCE_MISSING' });
  });

  test('is no data source', async () => {
    expect(await errorOf({ dataSource: { type: 'postgres' } })).toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'dataSource',
    });
  });

  test.each([7, true, '', () => dataSource])('is %p', async (nonsense) => {
    expect(await errorOf({ dataSource: nonsense })).toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'dataSource',
    });
  });

  test('is not Postgres', async () => {
    const mysql = Object.create(dataSource, {
      options: { value: { ...dataSource.options, type: 'mysql' } },
    }) as DataSource;
    const error = await errorOf({ dataSource: mysql });
    expect(error).toMatchObject({ code: 'RIVER_DATA_SOURCE_NOT_POSTGRES', field: 'dataSource' });
    expect(error.message).toContain("'mysql'");
  });

  test('uses pg-native, as TypeORM does where it is installed', async () => {
    jest.mock('pg-native', () => class {}, { virtual: true });
    const native = (
      createRequire(import.meta.url)('pg') as { native: { Client: new () => object } }
    ).native;
    // Or TypeORM would take it for the data sources of the next tests.
    jest.dontMock('pg-native');
    const driver = { postgres: native, master: { Client: class extends native.Client {} } };
    const error = await errorOf({
      dataSource: Object.create(dataSource, { driver: { value: driver } }) as DataSource,
    });
    expect(error).toMatchObject({ code: 'RIVER_PG_NATIVE', field: 'dataSource' });
    expect(error.message).toContain('driver: { ...pg, native: undefined }');

    const river = new RiverClient(dataSource, {});
    const client = Object.create(native.Client.prototype as object) as PgClient;
    await expect(river.insertTx(client, jobArgs('a', {}))).rejects.toMatchObject({
      code: 'RIVER_INVALID_TRANSACTION',
      message: expect.stringContaining('not of pg-native'),
    });
  });

  test('uses pg below 8.11', async () => {
    const driver = { ...dataSource.driver, postgres: { defaults: {} } };
    const error = await errorOf({
      dataSource: Object.create(dataSource, { driver: { value: driver } }) as DataSource,
    });
    expect(error).toMatchObject({ code: 'RIVER_PG_TOO_OLD', field: 'dataSource' });
    expect(error.message).toContain('npm install pg@8');
  });

  test('is not connected', async () => {
    const unconnected = new DataSource({ type: 'postgres', url: database.url });
    const error = await errorOf({ dataSource: unconnected });
    expect(error).toMatchObject({
      code: 'RIVER_DATA_SOURCE_NOT_INITIALIZED',
      field: 'dataSource',
    });
    expect(error.message).toContain('initialize()');
  });

  test('is connected no more', async () => {
    const destroyed = await createDataSource(database);
    await destroyed.destroy();
    expect(await errorOf({ dataSource: destroyed })).toMatchObject({
      code: 'RIVER_DATA_SOURCE_NOT_INITIALIZED',
    });
  });
});

describe('an option that makes no sense:', () => {
  const cases: [field: string, value: unknown][] = [
    ['schema', ''],
    ['schema', 'has space'],
    ['schema', '1st'],
    ['schema', 'quo"te'],
    ['schema', 'a'.repeat(47)],
    ['schema', 7],
    ['maxAttempts', 0],
    ['maxAttempts', -1],
    ['maxAttempts', 32768],
    ['maxAttempts', 1.5],
    ['maxAttempts', '25'],
    ['outsideTransaction', 'never'],
    ['outsideTransaction', true],
    ['preparedStatements', 'yes'],
    ['preparedStatements', 0],
    ['requestQueryRunner', 'queryRunner'],
    ['clock', new Date()],
    ['clock', 0],
    ['notify', true],
    ['notify', { cooldownMs: -1 }],
    ['notify', { mode: 'never' }],
    ['advisoryLockPrefix', -1],
    ['advisoryLockPrefix', 2 ** 32],
  ];
  test.each(cases)('%s: %p', async (field, value) => {
    const error = await errorOf({ dataSource, [field]: value });
    expect(error.code).toBe('RIVER_INVALID_MODULE_OPTIONS');
    expect(error.field).toMatch(new RegExp(`^${field}(\\.|$)`));
    expect(error.message).toContain(field);
  });

  test('null, which is neither given nor left out', async () => {
    for (const field of ['schema', 'maxAttempts', 'outsideTransaction', 'clock']) {
      expect(await errorOf({ dataSource, [field]: null })).toMatchObject({ field });
    }
  });

  test('an unknown one, with the known ones in the message', async () => {
    const error = await errorOf({ dataSource, maxAttemps: 3 });
    expect(error).toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'maxAttemps' });
    expect(error.message).toContain('maxAttempts');
  });

  test.each(['', 7, null, {}])('the name %p, as soon as forRoot is called', (name) => {
    for (const declare of [
      () => RiverModule.forRoot({ name: name as never }),
      () => RiverModule.forRootAsync({ name: name as never, useFactory: () => ({}) }),
    ]) {
      expect(declare).toThrow(RiverConfigurationError);
      expect(declare).toThrow(/name/);
    }
  });

  test('but undefined is "not given", for each', async () => {
    const given = {
      name: undefined,
      isGlobal: undefined,
      schema: undefined,
      maxAttempts: undefined,
      outsideTransaction: undefined,
      preparedStatements: undefined,
      requestQueryRunner: undefined,
      clock: undefined,
      notify: undefined,
      advisoryLockPrefix: undefined,
    };
    await withApplication([RiverModule.forRoot({ ...given, dataSource })], async (app) => {
      const { job } = await app.get(RiverClient).insert(jobArgs('job', {}));
      expect(job.maxAttempts).toBe(25);
    });
  });
});

describe('a schema', () => {
  const startOn = async (
    where: TestDatabase,
    options: RiverModuleForRootOptions = {},
    extra?: Record<string, unknown>,
  ): Promise<unknown> => {
    const source = await createDataSource(where, { max: 1, ...(extra && { extra }) });
    try {
      return await startError([RiverModule.forRoot({ ...options, dataSource: source })]);
    } finally {
      await source.destroy();
    }
  };

  test("without River's tables", async () => {
    const error = await startOn(await createEmptyDatabase());
    expect(error).toMatchObject({ code: 'RIVER_SCHEMA_MISSING', field: 'schema' });
    expect(String(error)).toContain('search_path');
    expect(String(error)).toContain('migrat');
  });

  test('that is not there, or lacks the tables, is named in the error', async () => {
    for (const schema of ['nowhere', 'Empty']) {
      const where = await createTestDatabase();
      await queryAll(where, 'create schema "Empty"');
      const error = await startOn(where, { schema });
      expect(error).toMatchObject({ code: 'RIVER_SCHEMA_MISSING' });
      expect(String(error)).toContain(`"${schema}"`);
    }
  });

  test('of a name that differs by its capitals only', async () => {
    const where = await createTestDatabase({ schema: 'Jobs' });
    expect(await startOn(where, { schema: 'jobs' })).toMatchObject({
      code: 'RIVER_SCHEMA_MISSING',
    });
    expect(await startOn(where, { schema: 'Jobs' })).toBeUndefined();
  });

  test('older than version 6', async () => {
    const where = await createTestDatabase();
    await queryAll(where, 'alter table river_job drop column unique_states cascade');
    const error = await startOn(where);
    expect(error).toMatchObject({ code: 'RIVER_SCHEMA_OUTDATED', field: 'schema' });
    expect(String(error)).toContain('version 6');
  });

  test('whose river_migration the role may not read starts', async () => {
    const where = await createTestDatabase();
    const role = `${where.name}_role`;
    await queryAll(
      where,
      `create role "${role}"; grant insert, select on river_job to "${role}";
       grant usage on sequence river_job_id_seq to "${role}"`,
    );
    try {
      expect(await startOn(where, {}, { options: `-c role=${role}` })).toBeUndefined();
    } finally {
      await queryAll(where, `drop owned by "${role}"; drop role "${role}"`);
    }
  });

  test('that was never migrated by our hands, without river_migration, starts', async () => {
    const where = await createTestDatabase();
    await queryAll(where, 'drop table river_migration');
    expect(await startOn(where)).toBeUndefined();
  });
});

test('a start-up error gives the connection back, and leaves the data source usable', async () => {
  const source = await createDataSource(await createEmptyDatabase(), { max: 1 });
  try {
    for (let round = 0; round < 3; round++) {
      const modules = [RiverModule.forRoot({ dataSource: source })];
      expect(await startError(modules)).toMatchObject({ code: 'RIVER_SCHEMA_MISSING' });
    }
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    await source.destroy();
  }
});
