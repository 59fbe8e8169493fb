import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RiverMigrator, type MigrateResult } from 'nestjs-river/migrations';
import type { Client } from 'pg';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import { connect, createEmptyDatabase, type TestDatabase } from '../support/index.js';

const versionsOf = ({ versions }: MigrateResult): number[] =>
  versions.map(({ version }) => version);

let database: TestDatabase;
let client: Client;
let migrator: RiverMigrator;
beforeEach(async () => {
  database = await createEmptyDatabase();
  client = await connect(database);
  migrator = new RiverMigrator(client);
});
afterEach(() => client.end());

describe('migrate', () => {
  test('goes up to the newest version, and tells what it did', async () => {
    const result = await migrator.migrate({ direction: 'up' });
    expect(result.direction).toBe('up');
    expect(versionsOf(result)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const { version, name, sql, durationMs } of result.versions) {
      expect(name).toBe(migrator.getVersion(version).name);
      // With version 4 to follow, the state that it adds is there from the beginning.
      const alone = version === 2 ? sql.replace("'pending', ", '') : sql;
      expect(alone).toBe(migrator.getVersion(version).sqlUp);
      expect(durationMs).toBeGreaterThan(0);
    }
    expect(await migrator.migrate({ direction: 'up' })).toEqual({ direction: 'up', versions: [] });
  });

  test('goes down one step, down to a version, and down to nothing', async () => {
    await migrator.migrate({ direction: 'up' });
    const down = { direction: 'down' } as const;
    expect(versionsOf(await migrator.migrate(down))).toEqual([8]);
    expect(versionsOf(await migrator.migrate({ ...down, targetVersion: 5 }))).toEqual([7, 6]);
    expect(versionsOf(await migrator.migrate({ ...down, maxSteps: 2 }))).toEqual([5, 4]);
    expect(versionsOf(await migrator.migrate({ ...down, targetVersion: -1 }))).toEqual([3, 2, 1]);
    expect(await catalogue(database)).toEqual([]);
    expect(versionsOf(await migrator.migrate({ ...down, targetVersion: -1 }))).toEqual([]);
  });

  test('obeys the target and the number of steps, whichever comes first', async () => {
    const up = { direction: 'up' } as const;
    expect(versionsOf(await migrator.migrate({ ...up, targetVersion: 6, maxSteps: 2 }))).toEqual([
      1, 2,
    ]);
    expect(versionsOf(await migrator.migrate({ ...up, targetVersion: 4, maxSteps: 9 }))).toEqual([
      3, 4,
    ]);
    const down = { direction: 'down', targetVersion: 1 } as const;
    expect(versionsOf(await migrator.migrate({ ...down, maxSteps: 1 }))).toEqual([4]);
    expect(versionsOf(await migrator.migrate({ ...down, maxSteps: 9 }))).toEqual([3, 2]);
  });

  test('does nothing in a dry run, which also needs no lock', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 3 });
    const before = await catalogue(database);
    const holder = await connect(database);
    await holder.query(
      "begin; lock table river_job; select pg_advisory_xact_lock(hashtextextended('nestjs-river.migrations', 0))",
    );
    for (const direction of ['up', 'down'] as const) {
      const { versions } = await migrator.migrate({ direction, dryRun: true });
      expect(versions.map(({ durationMs }) => durationMs)).toEqual(versions.map(() => 0));
      expect(versions[0]?.version).toBe(direction === 'up' ? 4 : 3);
      expect(versions[0]?.sql).toContain('ALTER TABLE river_job');
    }
    await holder.end();
    expect(await catalogue(database)).toEqual(before);
    expect(await riverMigrations(database)).toHaveLength(3);
  });
});

describe('validate', () => {
  test('names what is missing, all or up to a version', async () => {
    expect(await migrator.validate()).toEqual({
      ok: false,
      messages: ['Unapplied migrations: 1, 2, 3, 4, 5, 6, 7, 8.'],
    });
    await migrator.migrate({ direction: 'up', targetVersion: 6 });
    expect(await migrator.validate()).toEqual({
      ok: false,
      messages: ['Unapplied migrations: 7, 8.'],
    });
    expect(await migrator.validate({ targetVersion: 6 })).toEqual({ ok: true, messages: [] });
    await migrator.migrate({ direction: 'up' });
    expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
  });
});

describe('versions', () => {
  test('are listed: all there are, and those that the database has, before and after lines came', async () => {
    expect(migrator.allVersions().map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await migrator.existingVersions()).toEqual([]);
    for (const targetVersion of [4, 5]) {
      await migrator.migrate({ direction: 'up', targetVersion });
      expect(await migrator.existingVersions()).toEqual(
        migrator.allVersions().slice(0, targetVersion),
      );
    }
  });

  test('of other lines are left alone', async () => {
    await migrator.migrate({ direction: 'up' });
    await client.query("insert into river_migration (line, version) values ('pro', 1), ('pro', 9)");
    expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
    await migrator.migrate({ direction: 'down', targetVersion: 5 });
    expect(await migrator.existingVersions()).toHaveLength(5);
    expect(await riverMigrations(database)).toHaveLength(7);
  });

  test('are those of the schema that the search_path finds, where none is named', async () => {
    await client.query('create schema app; set search_path to app');
    await migrator.migrate({ direction: 'up' });
    expect(await catalogue(database)).toEqual([]);
    expect(await riverMigrations({ ...database, schema: 'app' })).toHaveLength(8);
    const named = new RiverMigrator(client, { schema: 'public' });
    expect(await named.existingVersions()).toEqual([]);
  });
});
