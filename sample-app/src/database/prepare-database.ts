import { Client } from 'pg';
import { StartError } from '../bootstrap/start-error.js';
import type { Database } from './database.js';

/**
 * Creates the database, and the ordinary role that owns it, if they are ours to create. Its tables come later: River's by the
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
    if (maintenanceUrl !== undefined) await createIfMissing(client, new URL(url));
  } finally {
    await client.end();
  }
}

async function createIfMissing(
  client: Client,
  { username, password, pathname }: URL,
): Promise<void> {
  const name = pathname.slice(1);
  const role = client.escapeIdentifier(username);
  const roles = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [username]);
  if (roles.rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN`);
  await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(password)}`);
  const databases = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (databases.rowCount !== 0) return;
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} OWNER ${role}`);
}
