// Compiles the sources to CommonJS, into dist/cjs, beside the ES modules in dist. For runtimes that
// load a package by `require` and cannot load ES modules so, such as Jest. Of the ES modules, it removes
// those whose sources are no longer there, so that they are not published.
//
//   node scripts/build-commonjs.mjs [options of tsc]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'dist/cjs');

rmSync(FOLDER, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'tsconfig.cjs.json'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
if (status !== 0) process.exit(1);
for (const folder of ['lib', 'decorators']) {
  for (const file of readdirSync(join(ROOT, 'dist', folder), { recursive: true })) {
    const source = join(ROOT, folder, String(file).replace(/\.(js|d\.ts)$/, '.ts'));
    if (!existsSync(source))
      rmSync(join(ROOT, 'dist', folder, String(file)), { recursive: true, force: true });
  }
}
// The nearest package.json decides how Node reads a file, and what bundlers may leave out.
mkdirSync(FOLDER, { recursive: true });
writeFileSync(join(FOLDER, 'package.json'), '{ "type": "commonjs", "sideEffects": false }\n');
