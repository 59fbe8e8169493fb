import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildIfStale } from './server/build.mjs';

/** A package of two sources in a folder of its own. */
let root: string;
const built = (file: string): Promise<string> => readFile(join(root, 'dist', file), 'utf8');
const source = (file: string, text: string): Promise<void> => writeFile(join(root, file), text);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'nestjs-river-build-'));
  await mkdir(join(root, 'lib'));
  await mkdir(join(root, 'decorators'));
  await source('tsconfig.base.json', '{}');
  await source('package-lock.json', '{}');
  await source(
    'tsconfig.build.json',
    JSON.stringify({
      compilerOptions: { module: 'esnext', rootDir: '.', outDir: 'dist', types: [] },
      include: ['lib', 'decorators'],
    }),
  );
  await source('lib/index.ts', 'export const value = 1;');
  await source('decorators/one.ts', 'export const one = 1;');
  await buildIfStale(root);
});
afterAll(() => rm(root, { recursive: true }));

test('What there was no build of is built', async () => {
  expect(await built('lib/index.js')).toContain('value = 1');
  expect(await built('decorators/one.js')).toContain('one = 1');
});

test('A build of the same sources is left alone', async () => {
  const before = await stat(join(root, 'dist/lib/index.js'));
  await buildIfStale(root);
  expect((await stat(join(root, 'dist/lib/index.js'))).mtimeMs).toBe(before.mtimeMs);
});

test('A source that changed is built anew', async () => {
  await source('lib/index.ts', 'export const value = 2;');
  await buildIfStale(root);
  expect(await built('lib/index.js')).toContain('value = 2');
});

test('A build that somebody else made in between is made anew', async () => {
  await writeFile(join(root, 'dist/lib/index.js'), 'export const value = 3;');
  await buildIfStale(root);
  expect(await built('lib/index.js')).toContain('value = 2');
});

test('What was built of a source that is gone is removed', async () => {
  await rm(join(root, 'decorators/one.ts'));
  await buildIfStale(root);
  await expect(built('decorators/one.js')).rejects.toThrow('ENOENT');
});

test('A build that fails is an error with the words of the compiler, and is tried again', async () => {
  await source('lib/index.ts', 'export const value = ;');
  await expect(buildIfStale(root)).rejects.toThrow(/The build for the tests failed: .*TS1109/);
  await expect(buildIfStale(root)).rejects.toThrow(/TS1109/);
});
