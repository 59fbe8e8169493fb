// A database with River's tables for one run of a script, dropped at its end.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { provision } from '../support/server/provision.mjs';
import { RIVER_SCHEMA_FILE } from '../support/server/template.mjs';

/** @param given URL of a server; without one, as the tests find theirs. */
export async function createDatabase(given) {
  const server = await provision(given ? { TEST_DATABASE_URL: given } : process.env);
  const name = `river_chaos_${randomBytes(4).toString('hex')}`;
  await ask(server.url, `create database "${name}" template template0`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  await ask(url.href, await readFile(RIVER_SCHEMA_FILE, 'utf8'));
  return {
    url: url.href,
    description: server.description,
    async drop() {
      await ask(server.url, `drop database if exists "${name}" with (force)`);
      await server.stop();
    },
  };
}

async function ask(url, sql) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
