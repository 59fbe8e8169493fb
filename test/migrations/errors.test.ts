import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RiverConfigurationError } from 'nestjs-river';
import {
  RiverMigrationError,
  RiverMigrator,
  type MigrateOptions,
  type MigrationSource,
  type PgPool,
} from 'nestjs-river/migrations';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import { connect, createEmptyDatabase, queryAll, type TestDatabase } from '../support/index.js';

let database: TestDatabase;
let client: pg.Client;
let migrator: RiverMigrator;
beforeEach(async () => {
  database = await createEmptyDatabase();
  client = await connect(database);
  migrator = new RiverMigrator(client);
});
afterEach(() => client.end());

async function errorOf(work: Promise<unknown>): Promise<RiverMigrationError> {
  const error: unknown = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof RiverMigrationError) return error;
  throw error;
}

describe('options without sense are refused before anything is sent', () => {
  test.each<[unknown, string, RegExp]>([
    [undefined, 'options', /must be an object/],
    [{}, 'direction', /must be 'up' or 'down'; got undefined|must be 'up' or 'down'/],
    [{ direction: 'sideways' }, 'direction', /must be 'up' or 'down'/],
    [{ direction: 'up', targetversion: 3 }, 'targetversion', /no such option/],
    [{ direction: 'up', maxSteps: 0 }, 'maxSteps', /at least 1.* got the number 0/],
    [{ direction: 'up', maxSteps: -1 }, 'maxSteps', /at least 1/],
    [{ direction: 'up', maxSteps: '2' }, 'maxSteps', /got a string/],
    [{ direction: 'up', dryRun: 'yes' }, 'dryRun', /must be true or false/],
    [
      { direction: 'up', targetVersion: null },
      'targetVersion',
      /1 to 8, or -1 down to take all away; got null/,
    ],
  ])('%j', async (options, field, rule) => {
    const error = await errorOf(migrator.migrate(options as MigrateOptions));
    expect(error.field).toBe(field);
    expect(error.message).toMatch(rule);
    expect(await catalogue(database)).toEqual([]);
  });

  test.each([0, 9, 2.5, -2, Number.NaN])('target version %d', async (targetVersion) => {
    for (const direction of ['up', 'down'] as const) {
      const error = await errorOf(migrator.migrate({ direction, targetVersion }));
      expect(error).toMatchObject({ code: 'RIVER_INVALID_TARGET_VERSION', field: 'targetVersion' });
    }
    expect(await errorOf(migrator.validate({ targetVersion }))).toMatchObject({
      code: 'RIVER_INVALID_TARGET_VERSION',
    });
    expect(() => migrator.getVersion(targetVersion)).toThrow('1 to 8');
  });

  test('a target that is not on the way down', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 4 });
    const error = await errorOf(migrator.migrate({ direction: 'down', targetVersion: 6 }));
    expect(error.code).toBe('RIVER_INVALID_TARGET_VERSION');
    expect(error.message).toContain('version 6, which is not applied; applied are 1, 2, 3, 4');
    expect(await riverMigrations(database)).toHaveLength(4);
  });

  test.each(['a"b', '', '1st', 'x'.repeat(47), 5, null])('schema name %j', (schema) => {
    expect(() => new RiverMigrator(client, { schema: schema as string })).toThrow(
      RiverConfigurationError,
    );
  });

  test('an option of the migrator that there is not', () => {
    expect(() => new RiverMigrator(client, { scheme: 'x' } as object)).toThrow(
      'scheme: there is no such option. The options are schema.',
    );
  });

  test('what nothing can run on', () => {
    for (const source of [undefined, null, 'postgres://host/db', {}, { query: () => undefined }]) {
      expect(() => new RiverMigrator(source as MigrationSource)).toThrow(RiverMigrationError);
    }
    expect(() => new RiverMigrator(new pg.Client({ connectionString: database.url }))).toThrow(
      'the client is not connected',
    );
    const closed = new DataSource({ type: 'postgres', url: database.url });
    expect(() => new RiverMigrator(closed)).toThrow('is not connected');
  });
});

describe('a database that is newer than this package', () => {
  beforeEach(async () => {
    await migrator.migrate({ direction: 'up' });
    await client.query("insert into river_migration (line, version) values ('main', 9)");
  });

  test('is not valid, unless only what is known is asked about', async () => {
    const { ok, messages } = await migrator.validate();
    expect(ok).toBe(false);
    expect(messages).toEqual([
      expect.stringMatching(/newer .* version 9 is recorded, .* known is 8/),
    ]);
    expect(await migrator.validate({ targetVersion: 8 })).toEqual({ ok: true, messages: [] });
  });

  test('is neither migrated nor listed', async () => {
    const before = await catalogue(database);
    for (const work of [
      migrator.migrate({ direction: 'up' }),
      migrator.migrate({ direction: 'down' }),
      migrator.migrate({ direction: 'down', targetVersion: -1, dryRun: true }),
      migrator.existingVersions(),
    ]) {
      expect(await errorOf(work)).toMatchObject({ code: 'RIVER_SCHEMA_NEWER' });
    }
    expect(await catalogue(database)).toEqual(before);
    expect(await riverMigrations(database)).toHaveLength(9);
  });
});

describe('what the database refuses', () => {
  const roles = new Map<TestDatabase, string>();
  afterAll(async () => {
    for (const [where, role] of roles) {
      await queryAll(where, `drop owned by "${role}"; drop role "${role}"`);
    }
  });

  /** A connection as a role that may use the schema, and nothing else but what `grants` say. */
  async function asRole(grants = ''): Promise<pg.Client> {
    const role = `${database.name}_role`;
    await queryAll(
      database,
      `revoke create on schema public from public; create role "${role}" login;
       grant usage on schema public to "${role}"; ${grants.replaceAll('ROLE', `"${role}"`)}`,
    );
    roles.set(database, role);
    const poor = await connect(database);
    await poor.query(`set role "${role}"`);
    return poor;
  }

  test('a role that may not create tables', async () => {
    const poor = await asRole();
    const error = await errorOf(new RiverMigrator(poor).migrate({ direction: 'up' }));
    expect(error).toMatchObject({
      code: 'RIVER_MIGRATION_FAILED',
      version: 1,
      applied: [],
      retryable: false,
      cause: { name: 'DatabaseError', sqlState: '42501' },
    });
    expect(error.message).toMatch(
      /Version 1 .* failed on the way up, and nothing of it is kept: permission denied for schema public .* The database user must own/,
    );
    // The connection is usable, and not in a transaction.
    expect(poor.getTransactionStatus()).toBe('I');
    await poor.end();
    expect(await catalogue(database)).toEqual([]);
  });

  test('a role that does not own the tables: nothing of the version is kept', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 6 });
    const before = await catalogue(database);
    const poor = await asRole(
      'grant create on schema public to ROLE; grant all on all tables in schema public to ROLE;',
    );
    const error = await errorOf(new RiverMigrator(poor).migrate({ direction: 'up' }));
    expect(error).toMatchObject({ code: 'RIVER_MIGRATION_FAILED', version: 7, applied: [] });
    await poor.end();
    expect(await catalogue(database)).toEqual(before);
    expect(await riverMigrations(database)).toHaveLength(6);
  });

  test('a role that may not read the record', async () => {
    await migrator.migrate({ direction: 'up' });
    const poor = new RiverMigrator(await asRole().then((each) => (client.end(), (client = each))));
    for (const work of [
      poor.validate(),
      poor.existingVersions(),
      poor.migrate({ direction: 'up' }),
    ]) {
      const error = await errorOf(work);
      expect(error).toMatchObject({ code: 'RIVER_MIGRATION_FAILED', version: undefined });
      expect(error.message).toContain('permission denied for table river_migration');
    }
  });

  test('a schema that does not exist', async () => {
    const nowhere = new RiverMigrator(client, { schema: 'nowhere' });
    expect((await nowhere.validate()).ok).toBe(false);
    const error = await errorOf(nowhere.migrate({ direction: 'up' }));
    expect(error.message).toContain('schema "nowhere" does not exist');
    expect(error.message).toContain('Create it first');
  });

  test("tables that were made without River's record", async () => {
    await queryAll(database, 'create table river_queue (id int)');
    const error = await errorOf(migrator.migrate({ direction: 'up' }));
    expect(error).toMatchObject({ version: 4, applied: [1, 2, 3] });
    expect(error.message).toMatch(
      /Another migrator may .*: migrate again\. Only if .*: record the/,
    );
    // The versions before it stay, as they would with River's own migrator; then it goes on.
    expect(await migrator.existingVersions()).toHaveLength(3);
    await queryAll(database, 'drop table river_queue');
    expect((await migrator.migrate({ direction: 'up' })).versions).toHaveLength(5);
  });

  test('a version that another migrator, which takes no lock, is just putting on', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 3 });
    const other = await connect(database);
    await other.query('begin; create table river_queue (id int)');
    const failed = errorOf(migrator.migrate({ direction: 'up' }));
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await queryAll(database, waiting)).length === 0) continue;
    await other.query('commit');
    await other.end();
    expect(await failed).toMatchObject({ version: 4, cause: { sqlState: '23505' } });
    expect((await failed).message).toMatch(/Another migrator may .*: migrate again\./);
    expect((await failed).message).not.toMatch(/drop/i);
  });

  test('a way down below version 5 while other lines are recorded', async () => {
    await migrator.migrate({ direction: 'up' });
    await client.query("insert into river_migration (line, version) values ('pro', 1)");
    const error = await errorOf(migrator.migrate({ direction: 'down', targetVersion: 1 }));
    expect(error).toMatchObject({ version: 5, applied: [8, 7, 6] });
    expect(error.message).toContain('names other lines than main');
    expect(await migrator.existingVersions()).toHaveLength(5);
  });

  test('a lock that is not to be had in time, which may be tried again', async () => {
    const holder = await connect(database);
    await holder.query(
      'begin; select pg_advisory_xact_lock(hashtextextended($$nestjs-river.migrations$$, 0))',
    );
    await client.query("set lock_timeout = '50ms'");
    const error = await errorOf(migrator.migrate({ direction: 'up' }));
    expect(error).toMatchObject({ code: 'RIVER_MIGRATION_LOCK_TIMEOUT', retryable: true });
    await holder.end();
    expect(await catalogue(database)).toEqual([]);
  });

  test('a server that does not answer', async () => {
    const pool = new pg.Pool({ host: '127.0.0.1', port: 1, user: 'river', password: 'sesame' });
    const error = await errorOf(new RiverMigrator(pool).validate());
    expect(error).toMatchObject({ code: 'RIVER_MIGRATION_FAILED', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).not.toContain('sesame');
    await pool.end();
  });

  test('a connection that breaks in the middle of a version', async () => {
    await migrator.migrate({ direction: 'up', targetVersion: 6 });
    const before = await catalogue(database);
    const holder = await connect(database);
    await holder.query('begin; lock table river_job');
    const pool = new pg.Pool({ connectionString: database.url });
    const failed = errorOf(new RiverMigrator(pool).migrate({ direction: 'up' }));
    await killWhoWaits();
    expect(await failed).toMatchObject({
      version: 7,
      outcome: 'not-stored',
      retryable: true,
    });
    // Its COMMIT was not sent.
    expect((await failed).message).toContain('nothing of it is kept');
    await holder.end();
    expect(pool.totalCount).toBe(0);
    await pool.end();
    expect(await catalogue(database)).toEqual(before);
  });
});

async function killWhoWaits(): Promise<void> {
  const kill = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await queryAll(database, kill)).length === 0) continue;
}

test('another migrator that goes the other way in between is noticed', async () => {
  for (const [ours, theirs] of [
    ['up', 'down'],
    ['down', 'up'],
  ] as const) {
    await migrator.migrate({ direction: 'up' });
    if (ours === 'up') await migrator.migrate({ direction: 'down', targetVersion: 3 });
    let turns = 0;
    const interrupted: PgPool = {
      async connect() {
        turns += 1;
        if (turns === 4) await migrator.migrate({ direction: theirs, maxSteps: 2 });
        const mine = await connect(database);
        return Object.assign(mine, { release: () => void mine.end() });
      },
    };
    const targetVersion = ours === 'up' ? 8 : 1;
    const error = await errorOf(
      new RiverMigrator(interrupted).migrate({ direction: ours, targetVersion }),
    );
    expect(error.code).toBe('RIVER_MIGRATION_CONFLICT');
    expect(error.applied).toHaveLength(2);
  }
});
