import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RiverMigrator, type MigrationSource } from 'nestjs-river/migrations';
import pg from 'pg';
import type { DataSource, Logger } from 'typeorm';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import {
  connect,
  createDataSource,
  createEmptyDatabase,
  type TestDatabase,
} from '../support/index.js';

const ALL = [1, 2, 3, 4, 5, 6, 7, 8];
let database: TestDatabase;
let dataSource: DataSource;
let pool: pg.Pool;
let client: pg.Client;
beforeEach(async () => {
  database = await createEmptyDatabase();
  dataSource = await createDataSource(database, { max: 1 });
  pool = new pg.Pool({ connectionString: database.url, max: 1 });
  client = await connect(database);
});
afterEach(async () => {
  await dataSource.destroy();
  await pool.end();
  await client.end();
});

async function upAndDown(source: MigrationSource): Promise<void> {
  const migrator = new RiverMigrator(source);
  const { versions } = await migrator.migrate({ direction: 'up' });
  expect(versions.map(({ version }) => version)).toEqual(ALL);
  expect(await migrator.validate()).toEqual({ ok: true, messages: [] });
  await migrator.migrate({ direction: 'down', targetVersion: 6 });
}

describe('a migrator works on', () => {
  test('a data source, and gives its connection back', async () => {
    await upAndDown(dataSource);
    expect(await dataSource.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await riverMigrations(database)).toHaveLength(6);
  });

  test('a pool, and gives its connections back without listeners', async () => {
    await upAndDown(pool);
    const given = await pool.connect();
    expect(given.listenerCount('error')).toBe(0);
    given.release();
    expect({ total: pool.totalCount, idle: pool.idleCount }).toEqual({ total: 1, idle: 1 });
    expect(await riverMigrations(database)).toHaveLength(6);
  });

  test('a client', async () => {
    await upAndDown(client);
    expect(client.getTransactionStatus()).toBe('I');
    expect(await riverMigrations(database)).toHaveLength(6);
  });

  test('a query runner', async () => {
    const queryRunner = dataSource.createQueryRunner();
    await upAndDown(queryRunner);
    await queryRunner.release();
    expect(await riverMigrations(database)).toHaveLength(6);
  });
});

describe('in a transaction of the application, all goes with it:', () => {
  test.each(['commitTransaction', 'rollbackTransaction'] as const)('%s', async (end) => {
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await upAndDown(queryRunner);
    await queryRunner[end]();
    await queryRunner.release();
    expect(await riverMigrations(database)).toHaveLength(end === 'commitTransaction' ? 6 : 0);
  });

  test.each(['commit', 'rollback'])('of a client: %s', async (end) => {
    await client.query('begin');
    await upAndDown(client);
    expect(client.getTransactionStatus()).toBe('T');
    await client.query(end);
    expect(await riverMigrations(database)).toHaveLength(end === 'commit' ? 6 : 0);
    if (end === 'rollback') expect(await catalogue(database)).toEqual([]);
  });
});

test('several calls on one client wait for each other', async () => {
  const up = () => new RiverMigrator(client).migrate({ direction: 'up' });
  const results = await Promise.all([up(), up(), up()]);
  const done = results.flatMap(({ versions }) => versions.map(({ version }) => version));
  expect(done.sort()).toEqual(ALL);
  expect(await riverMigrations(database)).toHaveLength(8);
});

test("the data source's logger sees the statements", async () => {
  const seen: string[] = [];
  const logger: Logger = {
    logQuery: (query) => seen.push(query),
    logQueryError: () => undefined,
    logQuerySlow: () => undefined,
    logSchemaBuild: () => undefined,
    logMigration: () => undefined,
    log: () => undefined,
  };
  const logging = await createDataSource(database, { logger });
  await new RiverMigrator(logging).migrate({ direction: 'up', maxSteps: 1 });
  await logging.destroy();
  expect(seen).toContain(new RiverMigrator(client).getVersion(1).sqlUp);
});

test('the isolation level that a session has by default does not matter', async () => {
  await client.query("set default_transaction_isolation = 'serializable'");
  const other = await connect(database);
  await other.query("set default_transaction_isolation = 'repeatable read'");
  const results = await Promise.all(
    [client, other].map((each) => new RiverMigrator(each).migrate({ direction: 'up' })),
  );
  await other.end();
  expect(results.flatMap(({ versions }) => versions)).toHaveLength(8);
});
