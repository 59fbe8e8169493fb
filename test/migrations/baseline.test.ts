import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RiverMigrator } from 'nestjs-river/migrations';
import type pg from 'pg';
import { runCli } from '../../lib/cli/run-cli.js';
import { catalogue } from '../interop/support/schema-facts.js';
import { connect, createEmptyDatabase, queryAll, type TestDatabase } from '../support/index.js';

const VERSIONS = [1, 2, 3, 4, 5, 6, 7, 8];
const MISMATCH = { name: 'RiverMigrationError', code: 'RIVER_BASELINE_MISMATCH', field: 'version' };

const upTo = (version: number): number[] => VERSIONS.filter((each) => each <= version);

describe.each([undefined, 'River_1'])('baseline, in the schema %p,', (schema) => {
  let database: TestDatabase;
  let client: pg.Client;
  let migrator: RiverMigrator;
  const prefix = schema === undefined ? '' : `"${schema}".`;
  beforeAll(async () => {
    database = await createEmptyDatabase(schema === undefined ? {} : { schema });
    client = await connect(database);
    migrator = new RiverMigrator(client, { schema });
  });
  afterAll(() => client.end());
  beforeEach(() => migrator.migrate({ direction: 'up' }));
  afterEach(async () => {
    await client.query(`drop schema "${schema ?? 'public'}" cascade`);
    await client.query(`create schema "${schema ?? 'public'}"`);
  });

  /** Brings the tables to a version, without a record of it. */
  async function make(version: number): Promise<void> {
    if (version < 8) await migrator.migrate({ direction: 'down', targetVersion: version });
    await client.query(`drop table ${prefix}river_migration`);
  }

  test.each(VERSIONS.slice(1))('records version %i, as migrations would have', async (version) => {
    await migrator.migrate({ direction: 'down', targetVersion: -1 });
    await migrator.migrate({ direction: 'up', targetVersion: version });
    const migrated = await catalogue(database);
    await client.query(`drop table ${prefix}river_migration`);
    expect(await migrator.baseline({ version, dryRun: true })).toEqual({ recorded: upTo(version) });
    expect(await migrator.existingVersions()).toEqual([]);
    expect(await migrator.baseline({ version })).toEqual({ recorded: upTo(version) });
    expect(await catalogue(database)).toEqual(migrated);
    expect((await migrator.existingVersions()).map((each) => each.version)).toEqual(upTo(version));
    expect(await migrator.baseline({ version })).toEqual({ recorded: [] });
    const { versions } = await migrator.migrate({ direction: 'up' });
    expect(versions.map((each) => each.version)).toEqual(VERSIONS.slice(version));
  });

  test.each(VERSIONS.slice(1))(
    'records version %i of a dump without data, whose river_migration is empty',
    async (version) => {
      if (version < 8) await migrator.migrate({ direction: 'down', targetVersion: version });
      const migrated = await catalogue(database);
      await client.query(`delete from ${prefix}river_migration`);
      expect(await migrator.baseline({ version, dryRun: true })).toEqual({
        recorded: upTo(version),
      });
      expect(await migrator.baseline({ version })).toEqual({ recorded: upTo(version) });
      expect(await catalogue(database)).toEqual(migrated);
      expect(await migrator.existingVersions()).toHaveLength(version);
      await expect(migrator.migrate({ direction: 'up' })).resolves.toBeDefined();
    },
  );

  test('fills the record beside the rows of another line', async () => {
    await client.query(`update ${prefix}river_migration set line = 'pro' where version < 3`);
    await client.query(`delete from ${prefix}river_migration where line = 'main'`);
    expect(await migrator.baseline({ version: 8 })).toEqual({ recorded: VERSIONS });
  });

  test('rejects a river_migration of another form than the tables', async () => {
    await migrator.migrate({ direction: 'down', targetVersion: 4 });
    await client.query(`delete from ${prefix}river_migration`);
    await client.query(`alter table ${prefix}river_migration add line text`);
    const failed = migrator.baseline({ version: 4 });
    await expect(failed).rejects.toMatchObject(MISMATCH);
    await expect(failed).rejects.toThrow('there is column river_migration.line');
  });

  test('gives an empty river_migration from before version 5 its lines', async () => {
    await make(8);
    await client.query(
      `create table ${prefix}river_migration (
         id bigserial primary key, created_at timestamptz not null default now(), version bigint not null unique)`,
    );
    expect(await migrator.baseline({ version: 8 })).toEqual({ recorded: VERSIONS });
    expect(await migrator.existingVersions()).toHaveLength(8);
  });

  test('rejects rows above the version, and rows with gaps, in a table without lines', async () => {
    await migrator.migrate({ direction: 'down', targetVersion: 4 });
    await client.query(`delete from ${prefix}river_migration where version = 2`);
    await expect(migrator.baseline({ version: 4 })).rejects.toThrow('only 1, 3, 4 are recorded');
    await expect(migrator.baseline({ version: 3 })).rejects.toThrow(
      'version 4 is recorded already',
    );
  });

  test.each(VERSIONS.slice(1))('accepts tables at %i for no other version', async (version) => {
    await make(version);
    // The versions 7 and 8 are the same on Postgres.
    const alike = version >= 7 ? [7, 8] : [version];
    for (const other of VERSIONS) {
      const baseline = migrator.baseline({ version: other, dryRun: true });
      if (alike.includes(other)) await expect(baseline).resolves.toBeDefined();
      else await expect(baseline).rejects.toMatchObject(MISMATCH);
    }
    expect(await migrator.existingVersions()).toEqual([]);
  });

  test.each<[string, RegExp]>([
    [
      'alter table T.river_job drop column unique_states cascade',
      /no column river_job.unique_states/,
    ],
    ['drop index T.river_job_unique_idx', /no valid unique index river_job_unique_idx/],
    ['alter table T.river_job drop column errors', /no river_job with the columns/],
    ['drop table T.river_queue', /no table river_queue; there is no default of river_queue/],
    ['alter table T.river_job alter tags drop not null', /no NOT NULL on river_job.tags/],
  ])('says what differs after %s', async (change, message) => {
    await make(8);
    await client.query(change.replace('T.', prefix));
    const failed = migrator.baseline({ version: 8 });
    await expect(failed).rejects.toMatchObject(MISMATCH);
    await expect(failed).rejects.toThrow(message);
    expect(await migrator.existingVersions()).toEqual([]);
  });

  test('rejects what contradicts the record, and fills it where it agrees', async () => {
    await expect(migrator.baseline({ version: 7 })).rejects.toThrow(
      'version 8 is recorded already',
    );
    await client.query(`delete from ${prefix}river_migration where version > 6`);
    expect(await migrator.baseline({ version: 8 })).toEqual({ recorded: [7, 8] });
    await client.query(`delete from ${prefix}river_migration where version = 3`);
    await expect(migrator.baseline({ version: 8 })).rejects.toThrow('only 1, 2, 4, 5, 6, 7, 8 are');
  });

  test.each<[string, object]>([
    ['version', {}],
    ['version', { version: 9 }],
    ['dryRun', { version: 8, dryRun: 'yes' }],
    ['lockTimeoutMs', { version: 8, lockTimeoutMs: 0 }],
    ['direction', { version: 8, direction: 'up' }],
  ])('rejects the option %s of %j', async (field, options) => {
    await expect(migrator.baseline(options as never)).rejects.toMatchObject({ field });
  });
});

test('an empty schema is at no version', async () => {
  const database = await createEmptyDatabase();
  const client = await connect(database);
  const migrator = new RiverMigrator(client);
  await expect(migrator.baseline({ version: 8 })).rejects.toThrow('there is no table river_job');
  await client.end();
});

test('the command line records a baseline', async () => {
  const database = await createEmptyDatabase();
  const client = await connect(database);
  await new RiverMigrator(client).migrate({ direction: 'up', targetVersion: 6 });
  await client.query('drop table river_migration');
  const lines: string[] = [];
  const run = (...args: string[]): Promise<number> =>
    runCli(['migrate-baseline', ...args], {
      env: { DATABASE_URL: database.url },
      print: (line) => lines.push(line),
      printError: (line) => lines.push(line),
    });
  expect(await run()).toBe(2);
  expect(await run('--target-version', '7')).toBe(1);
  expect(await run('--target-version', '6', '--dry-run')).toBe(0);
  expect(await run('--target-version', '6')).toBe(0);
  expect(await run('--target-version', '6')).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(/give --target-version/),
    expect.stringMatching(/RIVER_BASELINE_MISMATCH: .* there is table river_client/),
    'recorded 1, 2, 3, 4, 5, 6 [DRY RUN]',
    'recorded 1, 2, 3, 4, 5, 6',
    'no versions to record',
  ]);
  expect(await queryAll(database, 'select from river_migration')).toHaveLength(6);
  await client.end();
});
