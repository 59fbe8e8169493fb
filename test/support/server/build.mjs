import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['lib', 'decorators'];
const SETTINGS = ['tsconfig.base.json', 'tsconfig.build.json', 'package-lock.json'];
/** Gives what `npm run build` gives in a third of its time: `npm run check` checks the types. */
const COMPILER = [
  join(ROOT, 'node_modules/typescript/bin/tsc'),
  '-p',
  'tsconfig.build.json',
  '--noCheck',
];
/** Says of which sources `dist` was built, and when. */
const STAMP = 'dist/.build-stamp';

/**
 * Some tests run programs on `dist` while the others run on the sources: builds it unless it is
 * what these sources give, so that no test runs on yesterday's build.
 *
 * @param {string} [root] The folder of the package.
 */
export async function buildIfStale(root = ROOT) {
  const stamp = await readFile(join(root, STAMP), 'utf8').catch(() => undefined);
  if (stamp !== undefined && stamp === (await currentStamp(root))) return;
  await removeOrphans(root);
  try {
    await promisify(execFile)(process.execPath, COMPILER, { cwd: root });
  } catch (error) {
    const { stdout = '' } = /** @type {{ stdout?: string }} */ (error);
    throw new Error(`The build for the tests failed: ${stdout}`, { cause: error });
  }
  await writeFile(join(root, STAMP), await currentStamp(root));
}

/**
 * By the text of the sources and the time of what was built, whoever built it since.
 *
 * @param {string} root
 */
async function currentStamp(root) {
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...(await filesIn(root, FOLDERS))]) {
    hash.update(`${file}\0`).update(await readFile(join(root, file)));
  }
  for (const file of await filesIn(
    root,
    FOLDERS.map((folder) => `dist/${folder}`),
  )) {
    hash.update(`${file} ${(await stat(join(root, file))).mtimeMs}\0`);
  }
  return hash.digest('hex');
}

/**
 * Removes what was built of sources that are no longer there.
 *
 * @param {string} root
 */
async function removeOrphans(root) {
  for (const file of await filesIn(
    root,
    FOLDERS.map((folder) => `dist/${folder}`),
  )) {
    const source = file.replace(/^dist\//, '').replace(/\.(js|d\.ts)$/, '.ts');
    if (!existsSync(join(root, source))) await rm(join(root, file));
  }
}

/** @param {string} root @param {string[]} folders @returns {Promise<string[]>} Paths from the root, in a fixed order. */
async function filesIn(root, folders) {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(root, folder), {
        recursive: true,
        withFileTypes: true,
      }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)));
    }),
  );
  return found.flat().sort();
}
