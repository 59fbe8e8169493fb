import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { riverMigration, RiverMigrationError, RiverMigrator } from 'nestjs-river/migrations';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import { connect, createEmptyDatabase, queryAll, type TestDatabase } from '../support/index.js';

/** The application's own, before and after River's. */
class CreateOrder1763700000000 implements MigrationInterface {
  up = (queryRunner: QueryRunner) => queryRunner.query('create table app_order (id int)');
  down = (queryRunner: QueryRunner) => queryRunner.query('drop table app_order');
}
class ReferToJobs1763700000003 implements MigrationInterface {
  up = (queryRunner: QueryRunner) =>
    queryRunner.query(
      'alter table app_order add job_id bigint references river_job on delete set null',
    );
  down = (queryRunner: QueryRunner) => queryRunner.query('alter table app_order drop job_id');
}
class Fail1763700000004 implements MigrationInterface {
  up = (queryRunner: QueryRunner) => queryRunner.query('select 1 / 0');
  down = () => Promise.resolve();
}
class River6 extends riverMigration({ timestamp: 1763700000001, from: 0, to: 6 }) {}
class River8 extends riverMigration({ timestamp: 1763700000002, from: 6, to: 8 }) {}

type MigrationClass = new () => MigrationInterface;

/** River's schema at each version, as the migrator makes it. */
const schemas = new Map<number, object[]>();
beforeAll(async () => {
  const reference = await createEmptyDatabase();
  const client = await connect(reference);
  for (const version of [0, 3, 5, 6, 8]) {
    if (version > 0) {
      await new RiverMigrator(client).migrate({ direction: 'up', targetVersion: version });
    }
    schemas.set(version, await catalogue(reference));
  }
  await client.end();
});

let database: TestDatabase;
let dataSource: DataSource | undefined;
beforeEach(async () => {
  database = await createEmptyDatabase();
  // TypeORM prints each migration that fails, whatever its option `logging` says.
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(close);

async function close(): Promise<void> {
  if (dataSource?.isInitialized) await dataSource.destroy();
}

async function open(migrations: MigrationClass[], schema?: string): Promise<DataSource> {
  await close();
  dataSource = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations,
    // A migration that needed a second connection would hang.
    extra: { max: 1 },
    ...(schema === undefined ? {} : { schema }),
  });
  return await dataSource.initialize();
}

/** River's part of the schema; the other tables are the application's and TypeORM's. */
async function river(): Promise<object[]> {
  const facts = (await catalogue(database)) as { object: string }[];
  return facts.filter(({ object }) => object.startsWith('river'));
}

describe.each(['all', 'each', 'none'] as const)('in transaction mode %s', (transaction) => {
  test("River's tables come with the application's, and go with them", async () => {
    const source = await open([CreateOrder1763700000000, River6, River8, ReferToJobs1763700000003]);
    const ran = await source.runMigrations({ transaction });
    expect(ran.map(({ name }) => name)).toEqual([
      'CreateOrder1763700000000',
      'RiverVersion6From0At1763700000001',
      'RiverVersion8From6At1763700000002',
      'ReferToJobs1763700000003',
    ]);
    expect(await river()).toEqual(schemas.get(8));
    expect(await riverMigrations(database)).toHaveLength(8);
    expect(await source.runMigrations({ transaction })).toEqual([]);

    await source.undoLastMigration({ transaction });
    expect(await river()).toEqual(schemas.get(8));
    await source.undoLastMigration({ transaction });
    expect(await riverMigrations(database)).toHaveLength(6);
    await source.undoLastMigration({ transaction });
    expect(await river()).toEqual([]);
    await source.undoLastMigration({ transaction });
    expect(await queryAll(database, 'select name from migrations')).toEqual([]);

    // What is left of the way down is not in the way of another way up.
    await source.runMigrations({ transaction });
    expect(await river()).toEqual(schemas.get(8));
  });

  test('a later release brings later versions', async () => {
    await (await open([River6])).runMigrations({ transaction });
    expect(await river()).toEqual(schemas.get(6));
    const ran = await (await open([River6, River8])).runMigrations({ transaction });
    expect(ran).toHaveLength(1);
    expect(await river()).toEqual(schemas.get(8));
  });

  test('what is there already, by whichever migrator, stays', async () => {
    const client = await connect(database);
    await new RiverMigrator(client).migrate({ direction: 'up' });
    await client.query(`insert into river_job (kind, args) values ('kept', '{}')`);
    await client.end();
    await (await open([River6, River8])).runMigrations({ transaction });
    expect(await riverMigrations(database)).toHaveLength(8);
    expect(await queryAll(database, 'select kind from river_job')).toEqual([{ kind: 'kept' }]);
  });

  test("a schema of its own, other than the data source's", async () => {
    await queryAll(database, 'create schema jobs; create schema app');
    const InJobs = riverMigration({
      timestamp: 1763700000001,
      from: 0,
      to: 8,
      schema: 'jobs',
    });
    const source = await open([InJobs], 'app');
    await source.runMigrations({ transaction });
    const inJobs = { ...database, schema: 'jobs' };
    expect(await riverMigrations(inJobs)).toHaveLength(8);
    expect(await river()).toEqual([]);
    await source.undoLastMigration({ transaction });
    expect(await catalogue(inJobs)).toEqual([]);
  });

  test("River's record agrees; where it is below what a way down ends at, that is refused", async () => {
    const source = await open([River6, River8]);
    await source.runMigrations({ transaction });
    const migrator = new RiverMigrator(source);
    expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
    await migrator.migrate({ direction: 'down', targetVersion: -1 });
    await source.undoLastMigration({ transaction }).then(
      () => Promise.reject(new Error('went below what is there')),
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'RIVER_INVALID_TARGET_VERSION' });
      },
    );
  });
});

describe('a migration that fails', () => {
  test("takes River's versions back with it in mode all", async () => {
    const source = await open([River6, River8, Fail1763700000004]);
    await expect(source.runMigrations({ transaction: 'all' })).rejects.toThrow('division by zero');
    expect(await river()).toEqual([]);
  });

  test.each(['each', 'none'] as const)(
    'leaves the ones before it in mode %s',
    async (transaction) => {
      const source = await open([River6, River8, Fail1763700000004]);
      await expect(source.runMigrations({ transaction })).rejects.toThrow('division by zero');
      expect(await river()).toEqual(schemas.get(8));
    },
  );
});

describe('the one way that needs a commit in between: from version 3 to 6 or later', () => {
  beforeEach(async () => {
    const client = await connect(database);
    await new RiverMigrator(client).migrate({ direction: 'up', targetVersion: 3 });
    await client.end();
  });
  class River5 extends riverMigration({ timestamp: 1763700000001, from: 3, to: 5 }) {}
  class River8From5 extends riverMigration({ timestamp: 1763700000002, from: 5, to: 8 }) {}

  test.each([
    ['each', [riverMigration({ timestamp: 1763700000001, from: 3, to: 8 })]],
    ['all', [riverMigration({ timestamp: 1763700000001, from: 3, to: 8 })]],
    ['all', [River5, River8From5]],
  ] as const)('is refused in one transaction, mode %s', async (transaction, migrations) => {
    const source = await open([...migrations]);
    const error: unknown = await source
      .runMigrations({ transaction })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RiverMigrationError);
    expect(error).toMatchObject({ code: 'RIVER_MIGRATION_NEEDS_COMMIT', version: 6 });
    expect((error as Error).message).toMatch(/Postgres must have committed it in between/);
    expect(await river()).toEqual(schemas.get(3));
    expect(await riverMigrations(database)).toHaveLength(3);
  });

  test.each([
    ['each', [River5, River8From5]],
    ['none', [riverMigration({ timestamp: 1763700000001, from: 3, to: 8 })]],
  ] as const)('works with mode %s', async (transaction, migrations) => {
    const source = await open([...migrations]);
    await source.runMigrations({ transaction });
    expect(await river()).toEqual(schemas.get(8));
    for (let each = 0; each < migrations.length; each += 1) {
      await source.undoLastMigration({ transaction });
    }
    expect(await riverMigrations(database)).toHaveLength(3);
  });

  test('works in mode each with a migration that wants no transaction', async () => {
    class ByItself extends riverMigration({ timestamp: 1763700000001, from: 3, to: 8 }) {
      override readonly transaction = false;
    }
    await (await open([ByItself])).runMigrations({ transaction: 'each' });
    expect(await river()).toEqual(schemas.get(8));
  });
});

test.each([
  [{ from: 0, to: 8 }, 'timestamp: must be milliseconds since 1970, of 13 digits'],
  [{ timestamp: 1763700000, from: 0, to: 8 }, 'timestamp: must be'],
  [{ timestamp: 1763700000000, to: 8 }, 'from: must be a version'],
  [{ timestamp: 1763700000000, from: 0 }, 'to: must be a version'],
  [{ timestamp: 1763700000000, from: 0, to: 9 }, 'to: must be a version of'],
  [{ timestamp: 1763700000000, from: -1, to: 8 }, '1 to 8, or 0 for none; got'],
  [{ timestamp: 1763700000000, from: 6, to: 6 }, 'from: must be below `to`, which is 6'],
  [{ timestamp: 1763700000000, from: 0, to: 8, schema: 'a-b' }, 'schema: must be'],
  [{ timestamp: 1763700000000, from: 0, to: 8, version: 8 }, 'version: there is no such option'],
])('options %j are refused when the class is made', (options, message) => {
  expect(() => riverMigration(options as never)).toThrow(message);
});
