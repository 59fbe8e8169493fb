import { randomBytes } from 'node:crypto';
import { RiverMigrator } from 'nestjs-river/migrations';
import pg from 'pg';

/** @typedef {import('./run-state.mjs').TestServer} TestServer */

/**
 * Makes, once per run, the database that test files copy theirs from: a copy takes a few
 * milliseconds where River's migrations take many. They are run from the build (`npm run build`).
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
  await withClient(urlOf(url, template), (client) =>
    new RiverMigrator(client).migrate({ direction: 'up' }),
  );
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
