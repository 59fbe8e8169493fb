import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const SOURCES = resolve('test/interop/go');
const BUILT = join(SOURCES, 'bin');

/**
 * Builds the Go program, once for its sources: the file carries their hash. Test files run side by
 * side, so that the finished file is put in its place in one step.
 *
 * @returns the path of the executable
 */
export async function buildGoProgram(): Promise<string> {
  const executable = join(BUILT, `interop-${await hashOfSources()}`);
  if (existsSync(executable)) return executable;
  const unfinished = `${executable}.${process.pid}`;
  await promisify(execFile)(
    'go',
    ['build', '-buildvcs=false', '-trimpath', '-o', unfinished, '.'],
    { cwd: SOURCES },
  );
  await rename(unfinished, executable);
  await removeOthers(executable);
  return executable;
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(SOURCES)).filter((name) => /\.(go|mod|sum)$/.test(name)).sort();
  for (const name of names) hash.update(name).update(await readFile(join(SOURCES, name)));
  return hash.digest('hex').slice(0, 12);
}

/** Those of former sources; not the unfinished ones of this moment, which end in a number. */
async function removeOthers(executable: string): Promise<void> {
  for (const name of await readdir(BUILT)) {
    const path = join(BUILT, name);
    if (path !== executable && /^interop-[0-9a-f]{12}$/.test(name)) await rm(path, { force: true });
  }
}
