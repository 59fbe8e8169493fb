import { basename } from 'node:path';
import { expect } from '@jest/globals';
import { RiverMigrator } from 'nestjs-river/migrations';
import pg from 'pg';
import { connect, queryAll } from './query.js';

/** A database that belongs to one test file. It is dropped by itself when the file is over. */
export interface TestDatabase {
  readonly name: string;
  /** Connection URL, for `pg`, TypeORM and Go alike. */
  readonly url: string;
  /** The schema that holds River's tables, or is meant to. */
  readonly schema: string;
}

/** What the run's global set-up says about its server; see `server/run-state.mjs`. */
interface TestServer {
  readonly url: string;
  readonly prefix: string;
  readonly template: string;
}

/** The file's guard reads the names under this key, looks for open connections, and drops them. */
const DATABASES: unique symbol = Symbol.for('nestjs-river.test.databases');
/** Whatever the server's own encoding is: that of a container without locales is SQL_ASCII. */
const UTF8 = `encoding 'UTF8' locale 'C'`;

/**
 * Makes a database with River's tables, in `public` or in the schema named.
 * Call it in `beforeAll`; every file should have its own, so that files run side by side.
 */
export async function createTestDatabase({ schema = 'public' } = {}): Promise<TestDatabase> {
  if (schema === 'public') return create({ schema, template: testServer().template });
  const database = await createEmptyDatabase({ schema });
  await installRiver(database);
  return database;
}

/** Makes a database without River's tables. A schema other than `public` is created, empty. */
export async function createEmptyDatabase({ schema = 'public' } = {}): Promise<TestDatabase> {
  const database = await create({ schema, template: 'template0' });
  if (schema !== 'public') await queryAll(database, `create schema ${pg.escapeIdentifier(schema)}`);
  return database;
}

/** Makes River's tables in the database's schema. */
export async function installRiver(database: TestDatabase): Promise<void> {
  const client = await connect(database);
  // By the search_path, for names that River itself would not take.
  await client.query(`set search_path to ${pg.escapeIdentifier(database.schema)}`);
  await new RiverMigrator(client).migrate({ direction: 'up' });
  await client.end();
}

async function create({
  schema,
  template,
}: {
  schema: string;
  template: string;
}): Promise<TestDatabase> {
  const server = testServer();
  const names = fileDatabases();
  const name = `${server.prefix}${fileName()}_${process.pid}_${names.size + 1}`;
  names.add(name);
  await queryAll(
    server,
    `create database "${name}" template "${template}" ${template === 'template0' ? UTF8 : ''}`,
  );
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return Object.freeze({ name, url: url.href, schema });
}

function fileDatabases(): Set<string> {
  const file = globalThis as { [DATABASES]?: Set<string> };
  return (file[DATABASES] ??= new Set());
}

function testServer(): TestServer {
  return JSON.parse(process.env['RIVER_TEST_SERVER'] ?? '') as TestServer;
}

/** The test file's name as part of an identifier, so that the server's log tells whose it is. */
function fileName(): string {
  const file = basename(expect.getState().testPath ?? 'unknown', '.test.ts');
  return file.replace(/[^a-z0-9]+/gi, '_').slice(0, 20);
}
