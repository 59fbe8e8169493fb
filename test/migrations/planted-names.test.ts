import { afterEach, expect, test } from '@jest/globals';
import { RiverMigrator, type RiverMigratorOptions } from 'nestjs-river/migrations';
import pg from 'pg';
import { runCli } from '../../lib/cli/run-cli.js';
import {
  createEmptyDatabase,
  prepareEvil,
  queryAll,
  type PlantedSchema,
  type TestDatabase,
} from '../support/index.js';

let evil: PlantedSchema;
let client: pg.Client;
afterEach(async () => {
  await client.end();
  await evil.remove();
});

/** Prepares the schema and connects as the role. */
async function start(options: Parameters<typeof prepareEvil>[1]): Promise<TestDatabase> {
  const database = await createEmptyDatabase({ schema: 'river' });
  evil = await prepareEvil(database, options);
  client = new pg.Client({ connectionString: database.url, options: evil.options });
  await client.connect();
  return database;
}

/**
 * Applies version 6. Before version 17, Postgres builds the index with River's function by the search_path of
 * the session, so that there nothing planted may be in it.
 */
async function createUniqueIndex(options: RiverMigratorOptions): Promise<void> {
  const { rows } = await client.query<{ version: string; path: string }>(
    `select pg_catalog.current_setting('server_version_num') as version,
       pg_catalog.current_setting('search_path') as path`,
  );
  const { version, path = '' } = rows[0] ?? {};
  if (Number(version) < 170_000) await client.query('set search_path = river');
  await new RiverMigrator(client, options).migrate({ direction: 'up', targetVersion: 6 });
  await client.query(`set search_path = ${path}`);
}

test('migrations take nothing that is planted before pg_catalog', async () => {
  const database = await start({ searchPath: 'evil,pg_catalog', withRiver: true });
  await evil.plant();
  const migrator = new RiverMigrator(client, { schema: 'river' });
  await migrator.migrate({ direction: 'up', targetVersion: 5, lockTimeoutMs: 60_000 });
  await createUniqueIndex({ schema: 'river' });
  await migrator.migrate({ direction: 'up', lockTimeoutMs: 60_000 });
  expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
  expect(await migrator.existingVersions()).toHaveLength(8);
  await queryAll(database, 'drop table river.river_migration');
  expect(await migrator.baseline({ version: 8 })).toMatchObject({ recorded: { length: 8 } });
  const env = { DATABASE_URL: `${database.url}?options=${encodeURIComponent(evil.options)}` };
  for (const command of ['validate', 'migrate-list']) {
    const print = (): void => undefined;
    const printError = (line: string): void => expect(line).toBe('');
    const args = `${command} --schema river`.split(' ');
    expect(await runCli(args, { env, print, printError })).toBe(0);
  }
  await migrator.migrate({ direction: 'down', targetVersion: -1 });
  expect(await migrator.existingVersions()).toEqual([]);
});

test('migrations take nothing that is planted behind all others', async () => {
  await start({ searchPath: 'river,evil', withRiver: false });
  const migrator = new RiverMigrator(client);
  // From version 2 on there is the type of states, for which operators can be planted.
  await migrator.migrate({ direction: 'up', targetVersion: 2 });
  await evil.plant();
  await migrator.migrate({ direction: 'up', targetVersion: 5, lockTimeoutMs: 60_000 });
  await createUniqueIndex({});
  await migrator.migrate({ direction: 'up', lockTimeoutMs: 60_000 });
  expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
  await migrator.migrate({ direction: 'down', targetVersion: 2 });
  await migrator.migrate({ direction: 'up', targetVersion: 5 });
  await createUniqueIndex({});
  await migrator.migrate({ direction: 'up' });
  expect(await migrator.existingVersions()).toHaveLength(8);
});
