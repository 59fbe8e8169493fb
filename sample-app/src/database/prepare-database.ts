import { Client } from 'pg';
import { StartError } from '../bootstrap/start-error.js';
import type { Database } from './database.js';

/**
 * Creates the database if it is missing and ours to create. Its tables come later: River's by the
 * option `migrate` of RiverModule, the application's own by TypeORM's migrations.
 */
export async function prepareDatabase({ url, maintenanceUrl }: Database): Promise<void> {
  const client = new Client({ connectionString: maintenanceUrl ?? url });
  try {
    await client.connect();
  } catch (error) {
    // Never the URL itself, which may hold a password.
    throw new StartError(`The database cannot be reached: ${(error as Error).message}`);
  }
  try {
    if (maintenanceUrl !== undefined) await createIfMissing(client, new URL(url).pathname.slice(1));
  } finally {
    await client.end();
  }
}

async function createIfMissing(client: Client, name: string): Promise<void> {
  const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
}
