import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

type Package = typeof import('nestjs-river');

/** Another copy of this package, as npm installs one for a dependency that asks for another version. */
export interface InstalledCopy {
  readonly river: Package;
  /** A module of it by its path below `dist/lib`. */
  load<T>(path: string): Promise<T>;
  remove(): Promise<void>;
}

/** @param change changes the text of a file of it: its path below `dist/lib`, and how */
export async function installCopy(
  change?: readonly [path: string, change: (text: string) => string],
): Promise<InstalledCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-river-copy-'));
  await cp(resolve('dist'), join(folder, 'dist'), { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  if (change !== undefined) {
    const path = join(folder, 'dist/lib', change[0]);
    await writeFile(path, change[1](await readFile(path, 'utf8')));
  }
  const load = async <T>(path: string): Promise<T> =>
    (await import(pathToFileURL(join(folder, 'dist/lib', path)).href)) as T;
  return {
    river: await load<Package>('index.js'),
    load,
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Another copy of typeorm, whose dependencies are those of the first. */
export async function installTypeorm(): Promise<{
  readonly typeorm: typeof import('typeorm');
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'typeorm-copy-'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(resolve('node_modules'))) {
    if (name !== 'typeorm' && !name.startsWith('.'))
      await symlink(resolve('node_modules', name), join(modules, name));
  }
  await cp(resolve('node_modules/typeorm'), join(modules, 'typeorm'), { recursive: true });
  const url = pathToFileURL(join(modules, 'typeorm/index.mjs')).href;
  return {
    typeorm: (await import(url)) as typeof import('typeorm'),
    remove: () => rm(folder, { recursive: true }),
  };
}
