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

/**
 * What attw may find. The package is ESM, and every Node that it supports (20.19 and later) loads
 * ESM by `require` without a flag, so CommonJS applications need no second build. The rule knows
 * older versions of Node only. `npm run compat` loads the tarball by `require`.
 */
const IGNORED_RULES = ['cjs-resolves-to-esm'];

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
  run('npx', '--no-install', 'attw', join(folder, tarball), '--ignore-rules', ...IGNORED_RULES);
} finally {
  rmSync(folder, { recursive: true });
}
