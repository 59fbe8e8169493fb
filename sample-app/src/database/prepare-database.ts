import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { StartError } from '../bootstrap/start-error.js';
import { paths } from '../config/paths.js';
import type { Database } from './database.js';

/** Any number, always the same: two applications that start together wait for each other. */
const LOCK = 7_483_201;

/**
 * Brings River's tables into a database that has none. They must be there before Nest starts,
 * because RiverModule looks for them. The application's own tables come by TypeORM's migrations.
 */
export async function prepareDatabase(database: Database): Promise<void> {
  await createIfMissing(database);
  await withClient(database.url, async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const found = await client.query<{ is_there: boolean }>(
      `SELECT to_regclass('river_job') IS NOT NULL AS is_there`,
    );
    if (found.rows[0]?.is_there !== true)
      await client.query(await readFile(paths.riverSchema, 'utf8'));
    await client.query('COMMIT');
  });
}

async function createIfMissing({ url, maintenanceUrl }: Database): Promise<void> {
  if (maintenanceUrl === undefined) return;
  const name = new URL(url).pathname.slice(1);
  await withClient(maintenanceUrl, async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 0)
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
}

async function withClient(url: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
  } catch (error) {
    // Never the URL itself, which may hold a password.
    throw new StartError(`The database cannot be reached: ${(error as Error).message}`);
  }
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
