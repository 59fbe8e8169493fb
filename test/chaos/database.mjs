// A database with River's tables for one run of a script, dropped at its end.
import { randomBytes } from 'node:crypto';
import { RiverMigrator } from 'nestjs-river/migrations';
import pg from 'pg';
import { provision } from '../support/server/provision.mjs';

/** @param given URL of a server; without one, as the tests find theirs. */
export async function createDatabase(given) {
  const server = await provision(given ? { TEST_DATABASE_URL: given } : process.env);
  const name = `river_chaos_${randomBytes(4).toString('hex')}`;
  await on(server.url, (client) => client.query(`create database "${name}" template template0`));
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  await on(url.href, (client) => new RiverMigrator(client).migrate({ direction: 'up' }));
  return {
    url: url.href,
    description: server.description,
    async drop() {
      const drop = `drop database if exists "${name}" with (force)`;
      await on(server.url, (client) => client.query(drop));
      await server.stop();
    },
  };
}

async function on(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
