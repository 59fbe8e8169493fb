import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';

/** @typedef {import('./run-state.mjs').TestServer} TestServer */

export const RIVER_SCHEMA_FILE = new URL(
  '../../../sample-app/database/river-schema.sql',
  import.meta.url,
);

/**
 * Makes, once per run, the database that test files copy theirs from: a copy takes a few
 * milliseconds where running River's schema would take many.
 *
 * @param {string} url
 * @returns {Promise<TestServer>}
 */
export async function createTemplate(url) {
  const prefix = `river_test_${randomBytes(4).toString('hex')}_`;
  const template = `${prefix}template`;
  // UTF8, whatever the server's own encoding is: that of a container without locales is SQL_ASCII.
  await withClient(url, (client) =>
    client.query(`create database "${template}" template template0 encoding 'UTF8' locale 'C'`),
  );
  const schema = await readFile(RIVER_SCHEMA_FILE, 'utf8');
  await withClient(urlOf(url, template), (client) => client.query(schema));
  // Postgres refuses to copy a database while somebody is connected to it: now nobody can be.
  await withClient(url, (client) =>
    client.query(`alter database "${template}" allow_connections false`),
  );
  return { url, prefix, template };
}

/**
 * Drops everything the run made and its test files did not drop. Only matters on a server that
 * outlives the run.
 *
 * @param {TestServer} server
 */
export async function dropDatabases({ url, prefix }) {
  await withClient(url, async (client) => {
    const { rows } = await client.query(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows)
      await client.query(`drop database if exists "${datname}" with (force)`);
  });
}

/** @param {string} url @param {string} database */
function urlOf(url, database) {
  const result = new URL(url);
  result.pathname = `/${database}`;
  return result.href;
}

/** @param {string} url @param {(client: pg.Client) => Promise<unknown>} use */
async function withClient(url, use) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
