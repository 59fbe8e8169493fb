import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RiverMigrationError, riverMigration, RiverMigrator } from 'nestjs-river/migrations';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { runCli } from '../../lib/cli/run-cli.js';
import { catalogue } from '../interop/support/schema-facts.js';
import { connect, createEmptyDatabase, queryAll, type TestDatabase } from '../support/index.js';

const LOCK_TIMEOUT = {
  name: 'RiverMigrationError',
  code: 'RIVER_MIGRATION_LOCK_TIMEOUT',
  retryable: true,
};

let database: TestDatabase;
let client: pg.Client;
let holder: pg.Client;
let migrator: RiverMigrator;
beforeEach(async () => {
  database = await createEmptyDatabase();
  client = await connect(database);
  holder = await connect(database);
  migrator = new RiverMigrator(client);
});
afterEach(async () => {
  await holder.end();
  await client.end();
});

/** Keeps a transaction open that uses the table, as an application does. */
const useTable = (): Promise<unknown> => holder.query('begin; select count(*) from river_job');

describe('lockTimeoutMs', () => {
  test('ends the wait for a table that an open transaction uses, and nothing is applied', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 5 });
    const before = await catalogue(database);
    await useTable();
    const failed = migrator.migrate({ direction: 'up', lockTimeoutMs: 50 });
    await expect(failed).rejects.toMatchObject({ ...LOCK_TIMEOUT, version: 6, applied: [] });
    await expect(failed).rejects.toThrow(/nothing of it is kept: .*lockTimeoutMs/s);
    expect(await catalogue(database)).toEqual(before);
    await holder.query('commit');
    const { versions } = await migrator.migrate({ direction: 'up', lockTimeoutMs: 50 });
    expect(versions.map(({ version }) => version)).toEqual([6, 7, 8]);
  });

  test('keeps the versions before, and names them', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 6 });
    await migrator.migrate({ direction: 'up' });
    await useTable();
    const failed = migrator.migrate({ direction: 'down', targetVersion: 5, lockTimeoutMs: 50 });
    await expect(failed).rejects.toMatchObject({ ...LOCK_TIMEOUT, version: 7, applied: [8] });
    expect(await migrator.existingVersions()).toHaveLength(7);
  });

  test('ends the wait for another migrator', async () => {
    await holder.query(
      'begin; select pg_advisory_xact_lock(hashtextextended($$nestjs-river.migrations$$, 0))',
    );
    await expect(migrator.migrate({ direction: 'up', lockTimeoutMs: 50 })).rejects.toMatchObject({
      ...LOCK_TIMEOUT,
      applied: [],
    });
    expect(await catalogue(database)).toEqual([]);
  });

  test('leaves the setting of the session, and of a transaction that was open, as it was', async () => {
    const setting = async (): Promise<unknown> =>
      (await client.query<{ lock_timeout: string }>('show lock_timeout')).rows[0]?.lock_timeout;
    await client.query(`set lock_timeout = '7s'`);
    await client.query(`begin; set local lock_timeout = '9s'`);
    await migrator.migrate({ direction: 'up', lockTimeoutMs: 50 });
    expect(await setting()).toBe('9s');
    await client.query('commit');
    expect(await setting()).toBe('7s');
    await migrator.migrate({ direction: 'down', lockTimeoutMs: 50 });
    expect(await setting()).toBe('7s');
  });

  test.each([0, -1, 1.5, 2 ** 31, '50', null, Number.NaN])('%p is rejected', async (value) => {
    const options = { direction: 'up', lockTimeoutMs: value as number } as const;
    await expect(migrator.migrate(options)).rejects.toMatchObject({
      code: 'RIVER_INVALID_MIGRATION_OPTIONS',
      field: 'lockTimeoutMs',
    });
    const migration = { timestamp: 1_763_700_000_000, from: 0, to: 8, lockTimeoutMs: value };
    expect(() => riverMigration(migration as never)).toThrow(RiverMigrationError);
  });
});

test('a migration of TypeORM keeps to lockTimeoutMs', async () => {
  // TypeORM prints each migration that fails, whatever its option `logging` says.
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  await migrator.migrate({ direction: 'up', targetVersion: 6 });
  class River1763700000000 extends riverMigration({
    timestamp: 1_763_700_000_000,
    from: 6,
    to: 8,
    lockTimeoutMs: 50,
  }) {}
  const dataSource = await new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [River1763700000000],
  }).initialize();
  try {
    await useTable();
    await expect(dataSource.runMigrations()).rejects.toMatchObject({ ...LOCK_TIMEOUT, version: 7 });
    await holder.query('commit');
    expect(await dataSource.runMigrations()).toHaveLength(1);
  } finally {
    jest.restoreAllMocks();
    await dataSource.destroy();
  }
});

test('the command line keeps to its lock timeout', async () => {
  await migrator.migrate({ direction: 'up', targetVersion: 6 });
  await useTable();
  const errors: string[] = [];
  const code = await runCli(['migrate-up', '--lock-timeout', '50'], {
    env: { DATABASE_URL: database.url },
    print: () => undefined,
    printError: (line) => errors.push(line),
  });
  expect(code).toBe(1);
  expect(errors).toEqual([expect.stringMatching(/RIVER_MIGRATION_LOCK_TIMEOUT: Version 7/)]);
  expect(await queryAll(database, 'select from river_migration')).toHaveLength(6);
});
