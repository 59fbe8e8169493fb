import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  createDataSource,
  createEmptyDatabase,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from './index.js';

const RIVER_TABLES = `
  select schemaname || '.' || tablename as name from pg_tables where tablename like 'river%' order by 1`;

async function riverTables(database: TestDatabase): Promise<string[]> {
  return (await queryAll<{ name: string }>(database, RIVER_TABLES)).map(({ name }) => name);
}

describe('a test database', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await createDataSource(database, { max: 2 });
  });
  afterAll(() => dataSource.destroy());

  test("has River's tables", async () => {
    expect(await riverTables(database)).toContain('public.river_job');
  });

  test('is reached by TypeORM, and a look from outside sees what was committed', async () => {
    await dataSource.query('create table note (text text)');
    await dataSource.transaction(async (manager) => {
      await manager.query("insert into note values ('written')");
      expect(await queryAll(database, 'select text from note')).toEqual([]);
    });
    expect(await queryAll(database, 'select text from note')).toEqual([{ text: 'written' }]);
  });

  test('takes parameters, and several statements in one text', async () => {
    expect(await queryAll(database, 'select $1::int as number', [7])).toEqual([{ number: 7 }]);
    expect(await queryAll(database, 'select 1 as number; select 2 as number')).toEqual([
      { number: 2 },
    ]);
  });

  test('is not shared: many can be made side by side', async () => {
    const others = await Promise.all(Array.from({ length: 5 }, () => createTestDatabase()));
    expect(new Set([database, ...others].map(({ name }) => name)).size).toBe(6);
    for (const other of others)
      expect(await queryAll(other, "select to_regclass('note') as note")).toEqual([{ note: null }]);
  });

  test("can hold River's tables in a schema of another name", async () => {
    const tables = await riverTables(await createTestDatabase({ schema: 'Back "office"' }));
    expect(tables).toContain('Back "office".river_job');
    expect(tables.filter((name) => name.startsWith('public.'))).toEqual([]);
  });

  test('can be empty', async () => {
    expect(await riverTables(await createEmptyDatabase())).toEqual([]);
  });
});
