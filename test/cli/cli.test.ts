import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCli } from '../../lib/cli/run-cli.js';
import { GoClient } from '../interop/support/go-client.js';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import { describeWithGo } from '../interop/support/toolchain.js';
import {
  connect,
  createEmptyDatabase,
  createTestDatabase,
  queryAll,
  type Connectable,
  type TestDatabase,
} from '../support/index.js';

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(command: string, env: Record<string, string> = {}): Promise<Answer> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(command === '' ? [] : command.split(' '), {
    env,
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const on = ({ url }: Connectable): Record<string, string> => ({ DATABASE_URL: url });

const NAMES = [
  '001 create river migration',
  '002 initial schema',
  '003 river job tags non null',
  '004 pending and more',
  '005 migration unique client',
  '006 bulk unique',
  '007 notification outbox sqlite jsonb and sql cleanup',
  '008 job id autoincrement',
];

describe('migrate-up, migrate-down, migrate-list and validate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase({ schema: 'River_1' });
  });
  const inSchema = (command: string): Promise<Answer> =>
    run(`${command} --schema River_1`, on(database));

  test('an empty schema is not valid, and says what is missing', async () => {
    expect(await inSchema('validate')).toEqual({
      code: 1,
      out: '',
      err: 'Unapplied migrations: 1, 2, 3, 4, 5, 6, 7, 8.',
    });
    const list = await inSchema('migrate-list');
    expect(list).toEqual({ code: 0, out: NAMES.map((name) => `  ${name}`).join('\n'), err: '' });
  });

  test('a dry run tells the versions and changes nothing', async () => {
    const { code, out } = await inSchema('migrate-up --dry-run --max-steps 2');
    expect(code).toBe(0);
    expect(out).toBe(
      'migration 001 [up] create river migration [DRY RUN]\n' +
        'migration 002 [up] initial schema [DRY RUN]',
    );
    expect(await catalogue(database)).toEqual([]);
  });

  test('up stops where it is told to, then goes on to the end, then has nothing to do', async () => {
    const to3 = await inSchema('migrate-up --target-version 3');
    expect(to3.out).toMatch(
      /^applied migration 001 \[up\] create river migration \[\d+\.\dms\]\n.* 002 .*\n.* 003 /,
    );
    expect((await inSchema('migrate-list')).out).toContain('* 003 river job tags non null\n  004');
    expect((await inSchema('migrate-up --max-steps 1')).out).toMatch(/^.* 004 \[up\] [^\n]*$/);
    expect((await inSchema('migrate-up')).out.split('\n')).toHaveLength(4);
    expect(await inSchema('migrate-up')).toMatchObject({ code: 0, out: 'no migrations to apply' });
    expect(await inSchema('validate')).toMatchObject({ code: 0, err: '' });
    expect(await riverMigrations(database)).toHaveLength(8);
  });

  test('down goes one step, to a version, and away with everything', async () => {
    expect((await inSchema('migrate-down')).out).toMatch(/^.* 008 \[down\] [^\n]*$/);
    expect((await inSchema('migrate-down --target-version 5')).out).toMatch(
      / 007 .*\n.* 006 [^\n]*$/,
    );
    expect((await inSchema('migrate-down --target-version 6')).code).toBe(1);
    const rest = await inSchema('migrate-down --target-version -1 --dry-run');
    expect(rest.out.split('\n')).toHaveLength(5);
    expect((await inSchema('migrate-down --target-version 0')).out.split('\n')).toHaveLength(5);
    expect(await catalogue(database)).toEqual([]);
    expect(await inSchema('migrate-down')).toMatchObject({
      code: 0,
      out: 'no migrations to apply',
    });
  });

  test('--show-sql prints what is run', async () => {
    const { out } = await inSchema('migrate-up --max-steps 1 --show-sql');
    expect(out).toContain(
      '-- River main migration 001 [up]\nCREATE TABLE "River_1".river_migration',
    );
  });

  test('--database-url goes before the environment', async () => {
    const other = await createTestDatabase();
    const url = { DATABASE_URL: other.url };
    expect(await run(`validate --database-url ${database.url}`, url)).toMatchObject({ code: 1 });
    expect(await run('validate --line main', url)).toMatchObject({ code: 0 });
  });
});

describe('migrate-get', () => {
  test('prints versions in the order asked for, for the schema named', async () => {
    const { code, out } = await run('migrate-get --version 8,3 --version 1 --up --schema app');
    expect(code).toBe(0);
    expect(out.match(/^-- River.*$/gm)).toEqual([
      '-- River main migration 008 [up]',
      '-- River main migration 003 [up]',
      '-- River main migration 001 [up]',
    ]);
    expect(out).toContain('UPDATE "app".river_job SET tags');
  });

  test('prints all versions downwards, but for those left out', async () => {
    const { out } = await run('migrate-get --all --down --exclude-version 1,4');
    expect(out.match(/(?<=migration )\d+/g)).toEqual(['008', '007', '006', '005', '003', '002']);
  });

  describeWithGo('another tool, which keeps its own record', () => {
    test("makes of it what River's migrator makes, without the record, and takes it down", async () => {
      const ours = await createEmptyDatabase();
      const gos = await createEmptyDatabase();
      const go = await GoClient.start(gos);
      await go.migrate({});
      await go.close();
      await queryAll(gos, 'drop table river_migration');

      for (const version of [2, 3, 4, 5, 6, 7, 8]) {
        await queryAll(ours, (await run(`migrate-get --version ${version} --up`)).out);
      }
      expect(await catalogue(ours)).toEqual(await catalogue(gos));
      const down = await run('migrate-get --all --down --exclude-version 1');
      await queryAll(ours, down.out);
      expect(await catalogue(ours)).toEqual([]);
    }, 120_000);
  });
});

describe('what cannot be done', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    await queryAll(
      database,
      `create role "${database.name}_poor" login password 'sesame';
       create table kept (id int)`,
    );
  });
  afterAll(() => queryAll(database, `drop role "${database.name}_poor"`));

  test.each([
    ['', /^nestjs-river: River's tables/],
    ['migrate-sideways', 'nestjs-river: no command migrate-sideways; see --help'],
    ['constructor', 'nestjs-river: no command constructor; see --help'],
    ['migrate-up --dryrun', /Unknown option '--dryrun'/],
    ['migrate-up extra', /Unexpected argument 'extra'/],
    ['migrate-up --max-steps', /argument missing/],
    ['migrate-up --max-steps 0', /maxSteps: must be an integer of at least 1/],
    ['migrate-up --lock-timeout 0', /lockTimeoutMs: must be whole milliseconds from 1/],
    ['migrate-up --max-steps 1.5', /--max-steps: must be an integer/],
    ['migrate-up --target-version 9', /targetVersion: must be a version of River's schema, 1 to 8/],
    ['migrate-up --target-version 0', /targetVersion: must be a version/],
    ['migrate-down --target-version -2', /targetVersion: must be a version/],
    ['migrate-up --schema a-b', /schema: must be 1 to 46/],
    ['migrate-up --line other', /--line: main is the only migration line/],
    ['migrate-up --database-url mysql://root:sesame@host/db', /must look like postgres:/],
    ['migrate-get --all', /one of --up and --down/],
    ['migrate-get --all --up --down', /one of --up and --down/],
    ['migrate-get --up', /one of --all and --version/],
    ['migrate-get --up --all --version 1', /one of --all and --version/],
    ['migrate-get --up --version 9', /--version: must be a version of River's schema, 1 to 8/],
    ['migrate-get --up --version one', /--version: must be an integer/],
    ['migrate-get --up --all --dry-run', /Unknown option '--dry-run'/],
  ])('a line without sense, `%s`, ends with 2 and does nothing', async (line, message) => {
    const before = await catalogue(database);
    const { code, out, err } = await run(line, on(database));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toContain('sesame');
    expect(await catalogue(database)).toEqual(before);
  });

  test('without a database named, it asks for one', async () => {
    expect(await run('validate')).toMatchObject({
      code: 2,
      err: expect.stringContaining('which database?') as unknown,
    });
  });

  test('a database that does not answer ends with 1, without the password', async () => {
    const url = 'postgres://river:sesame@127.0.0.1:1/river';
    const { code, err } = await run('migrate-up', { DATABASE_URL: url });
    expect(code).toBe(1);
    expect(err).toMatch(/^nestjs-river migrate-up: .*ECONNREFUSED/);
    expect(err).not.toContain('sesame');
  });

  test('a user without rights ends with 1, the code and the cure, and nothing is changed', async () => {
    const url = new URL(database.url);
    url.username = `${database.name}_poor`;
    url.password = 'sesame';
    const before = await catalogue(database);
    for (const command of ['migrate-up', 'migrate-down', 'validate', 'migrate-list']) {
      const { code, err } = await run(command, { DATABASE_URL: url.href });
      expect(code).toBe(1);
      expect(err).toMatch(
        /RIVER_MIGRATION_FAILED: .* permission denied .* The database user must own River's tables/,
      );
    }
    expect(await catalogue(database)).toEqual(before);
  });

  test('what was applied before a failure is told', async () => {
    const empty = await createEmptyDatabase();
    await queryAll(empty, 'create table river_queue (id int)');
    const { code, out, err } = await run('migrate-up', on(empty));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/Version 4 .*"river_queue" already exists/);
    expect(err).toMatch(/applied before that, and kept: 1, 2, 3$/);
    expect(await riverMigrations(empty)).toHaveLength(3);
  });

  test('another migrator is waited for, as long as the URL allows', async () => {
    const empty = await createEmptyDatabase();
    const holder = await connect(empty);
    await holder.query(
      "begin; select pg_advisory_xact_lock(hashtextextended('nestjs-river.migrations', 0))",
    );
    let isDone = false;
    const done = run('migrate-up', on(empty)).finally(() => (isDone = true));
    const waiting = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name = 'nestjs-river' and wait_event = 'advisory'`;
    while ((await queryAll<{ n: number }>(empty, waiting))[0]?.n !== 1) continue;
    expect(isDone).toBe(false);
    const impatient = `${empty.url}?statement_timeout=50`;
    expect(await run('migrate-up', { DATABASE_URL: impatient })).toMatchObject({
      code: 1,
      err: expect.stringContaining('canceling statement due to statement timeout') as unknown,
    });
    await holder.query('rollback');
    await holder.end();
    expect(await done).toMatchObject({ code: 0 });
  });
});

test.each(['--help', 'help', '-h', 'migrate-up --help', 'migrate-get -h'])(
  '%s helps',
  async (line) => {
    expect(await run(line)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^nestjs-river.*:/) as unknown,
    });
  },
);
