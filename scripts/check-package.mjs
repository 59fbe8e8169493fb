// Packs the package as `npm publish` would, and checks the tarball with publint and with
// Are The Types Wrong.
//
//   npm run check:package
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// `npm publish --dry-run` sets this for its scripts, and the pack below must write its tarball.
const { npm_config_dry_run: _, ...env } = process.env;

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed.`);
}

const folder = mkdtempSync(join(tmpdir(), 'nestjs-river-package-'));
try {
  run('npm', 'pack', '--silent', '--pack-destination', folder);
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack wrote no tarball.');
  run('npx', '--no-install', 'publint', '--strict', join(folder, tarball));
  run('npx', '--no-install', 'attw', join(folder, tarball));
} finally {
  rmSync(folder, { recursive: true });
}
