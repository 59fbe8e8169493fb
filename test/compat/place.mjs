import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustSucceed } from './command.mjs';

export const APP = fileURLToPath(new URL('app/', import.meta.url));
const INSTALL = ['--prefer-offline', '--no-audit', '--no-fund', '--no-save'];

/** How users' projects are compiled; the folder's package.json decides between ESM and CommonJS. */
export const COMPILER_OPTIONS = {
  target: 'ES2022',
  lib: ['ES2023'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  rootDir: 'src',
  outDir: 'dist',
};

/**
 * Installs packages in a folder, as a user does. The cache is npm's own, shared by all folders.
 *
 * @param {string} folder
 * @param {Readonly<Record<string, string>>} packages
 * @param {{ scripts?: boolean }} [options] whether their own scripts run
 */
export async function install(folder, packages, { scripts = false } = {}) {
  await mkdir(folder, { recursive: true });
  const project = { private: true, dependencies: packages };
  await writeFile(join(folder, 'package.json'), JSON.stringify(project));
  const args = ['install', '--strict-peer-deps', ...INSTALL];
  if (!scripts) args.push('--ignore-scripts');
  await mustSucceed('npm', args, {
    cwd: folder,
    limitMs: 240_000,
  });
}

/**
 * Puts the application into a project of one module system, and compiles it there.
 *
 * @param {string} folder where packages are installed
 * @param {'module' | 'commonjs'} type
 * @returns {Promise<string>} the program
 */
export async function compileApp(folder, type) {
  const project = join(folder, type);
  await cp(APP, join(project, 'src'), { recursive: true });
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type }));
  const tsconfig = { compilerOptions: COMPILER_OPTIONS, include: ['src'] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  const args = [compiler(folder), '-p', project];
  await mustSucceed(process.execPath, args, { cwd: folder, limitMs: 180_000 });
  return join(project, 'dist', 'main.js');
}

/** @param {string} folder where TypeScript is installed */
export function compiler(folder) {
  return join(folder, 'node_modules/typescript/bin/tsc');
}

/** @type {Map<string, Promise<void>>} */
const installedNodes = new Map();

/**
 * Node in another version, from npm. Installed once, whoever asks for it at the same time.
 *
 * @param {string} place
 * @param {string} version
 * @returns {Promise<string>} the program
 */
export async function installNode(place, version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(place, `node-${version}`);
  const installed = installedNodes.get(version) ?? install(folder, { [name]: version });
  installedNodes.set(version, installed);
  await installed;
  return join(folder, 'node_modules', name, 'bin/node');
}
