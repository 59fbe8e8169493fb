import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where things lie that are not compiled: the page, the Go worker. This file runs from
 * `dist/`, so the way to the source tree is upward, to the folder that holds `nest-cli.json`.
 */
const root = findRoot(dirname(fileURLToPath(import.meta.url)));

export const paths = {
  root,
  publicFolder: join(root, 'sample-app', 'public'),
  workerSource: join(root, 'sample-app', 'worker'),
  /** Everything the sample writes is below this folder, which git ignores. */
  dataFolder: join(root, '.data'),
} as const;

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'nest-cli.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('nest-cli.json was not found above the compiled files.');
  return findRoot(parent);
}
