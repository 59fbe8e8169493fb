import { fork } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { RiverMigrator, type MigrateResult } from 'nestjs-river/migrations';
import { catalogue, riverMigrations } from '../interop/support/schema-facts.js';
import {
  connect,
  createDataSource,
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
} from '../support/index.js';

const ALL = [1, 2, 3, 4, 5, 6, 7, 8];
const LIMIT_MS = 60_000;

let whole: object[];
beforeAll(async () => {
  const database = await createEmptyDatabase();
  await onOwnConnection(database, (migrator) => migrator.migrate({ direction: 'up' }));
  whole = await catalogue(database);
});

async function onOwnConnection<T>(
  database: TestDatabase,
  work: (migrator: RiverMigrator) => Promise<T>,
): Promise<T> {
  const client = await connect(database);
  try {
    return await work(new RiverMigrator(client));
  } finally {
    await client.end();
  }
}

const done = (results: readonly MigrateResult[]): number[] =>
  results.flatMap(({ versions }) => versions.map(({ version }) => version)).sort((a, b) => a - b);

describe('migrators that start at once', () => {
  test.each([1, 2, 3, 4, 5])('put each version on once: round %d', async () => {
    const database = await createEmptyDatabase();
    const up = () => onOwnConnection(database, (migrator) => migrator.migrate({ direction: 'up' }));
    const results = await Promise.all([up(), up(), up(), up(), up(), up(), up(), up()]);
    expect(done(results)).toEqual(ALL);
    expect(await catalogue(database)).toEqual(whole);
    expect(await riverMigrations(database)).toHaveLength(8);
  });

  test('take each version off once', async () => {
    const database = await createEmptyDatabase();
    await onOwnConnection(database, (migrator) => migrator.migrate({ direction: 'up' }));
    const down = (targetVersion?: number) =>
      onOwnConnection(database, (migrator) =>
        migrator.migrate({ direction: 'down', targetVersion }),
      );
    expect(done(await Promise.all([down(5), down(5), down(5), down(5)]))).toEqual([6, 7, 8]);
    expect(done(await Promise.all([down(-1), down(-1), down(-1), down(-1)]))).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(await catalogue(database)).toEqual([]);
  });

  test('of one data source wait for each other in its pool, even in a pool of one', async () => {
    const database = await createEmptyDatabase();
    const dataSource = await createDataSource(database, { max: 1 });
    const up = () => new RiverMigrator(dataSource).migrate({ direction: 'up' });
    expect(done(await Promise.all([up(), up(), up(), up()]))).toEqual(ALL);
    await dataSource.destroy();
    expect(await catalogue(database)).toEqual(whole);
  });

  test(
    'in four processes put each version on once',
    async () => {
      const database = await createEmptyDatabase();
      const processes = [1, 2, 3, 4].map(() =>
        fork('dist/lib/cli/bin.js', ['migrate-up'], {
          env: { ...process.env, DATABASE_URL: database.url },
          execArgv: [],
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        }),
      );
      const lines = await Promise.all(
        processes.map(async (child) => {
          let out = '';
          child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
          const [code] = (await once(child, 'close')) as [number];
          expect(code).toBe(0);
          return out;
        }),
      );
      const applied = lines
        .join('')
        .match(/(?<=applied migration )\d+/g)
        ?.map(Number);
      expect(applied?.sort()).toEqual(ALL);
      expect(await catalogue(database)).toEqual(whole);
    },
    LIMIT_MS,
  );

  test.each([1, 2, 3, 4, 5])(
    'and go opposite ways never leave a gap: round %d',
    async () => {
      const database = await createTestDatabase();
      const target = { up: 8, down: 3 };
      const to = (direction: 'up' | 'down') =>
        onOwnConnection(database, (migrator) =>
          migrator.migrate({ direction, targetVersion: target[direction] }),
        );
      await to('down');
      const ended = await Promise.allSettled([to('up'), to('up'), to('down'), to('down')]);
      for (const each of ended) {
        if (each.status === 'rejected') {
          expect(each.reason).toMatchObject({
            name: 'RiverMigrationError',
            code: 'RIVER_MIGRATION_CONFLICT',
          });
        }
      }
      // However it went, the record is without gaps and the tables are what it says: the rest goes up.
      const versions = await onOwnConnection(database, (migrator) => migrator.existingVersions());
      expect(versions.map(({ version }) => version)).toEqual(ALL.slice(0, versions.length));
      await to('up');
      expect(await catalogue(database)).toEqual(whole);
    },
    LIMIT_MS,
  );
});
