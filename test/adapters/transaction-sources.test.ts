import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { RiverConfigurationError } from 'nestjs-river';
import { typeormTransactionalTransactions } from '../../lib/adapters/typeorm-transactional.js';
import { createTestDatabase } from '../support/index.js';

// In processes of their own, over the build: Jest cannot load a CommonJS package that requires Nest,
// which is ESM only (nestjs-cls); Node can.
const run = promisify(execFile);

describe.each(['our own helper', '@nestjs-cls/transactional', 'typeorm-transactional'])(
  'inserts in a transaction of %s',
  (way) => {
    test('commit, roll back, notify and nest with it', async () => {
      const { url } = await createTestDatabase();
      const { stdout } = await run(process.execPath, ['test/adapters/program.mjs', way, url]);
      const results = JSON.parse(stdout) as Record<string, string | null>;
      expect(Object.keys(results)).toHaveLength(14);
      expect(Object.entries(results).filter(([, failure]) => failure !== null)).toEqual([]);
    }, 60_000);
  },
);

describe.each([
  ['our own helper', []],
  ['@nestjs-cls/transactional', [expect.stringContaining('nestjsClsTransactions()')]],
  ['typeorm-transactional', [expect.stringContaining('typeormTransactionalTransactions()')]],
])('the start next to %s', (way, expected) => {
  const warnings = async (source: 'with' | 'without'): Promise<unknown> => {
    const { url } = await createTestDatabase();
    const { stdout } = await run(process.execPath, ['test/adapters/program.mjs', way, url, source]);
    return JSON.parse(stdout) as unknown;
  };

  test('names the cure once, where there is no transactionSource', async () => {
    expect(await warnings('without')).toEqual(expected);
  }, 60_000);

  test('says nothing where there is one', async () => {
    expect(await warnings('with')).toEqual([]);
  }, 60_000);
});

describe('the package itself', () => {
  async function loadedBy(path: string): Promise<string[]> {
    const script = `
      import { createRequire } from 'node:module';
      await import('${path}');
      console.log(JSON.stringify(Object.keys(createRequire(process.cwd() + '/x.js').cache)));
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    return (JSON.parse(stdout) as string[]).filter((file) =>
      /node_modules.(@?nestjs-cls|typeorm-transactional)\b/.test(file),
    );
  }

  test('loads the packages of the adapters by their own paths only', async () => {
    expect(await loadedBy('nestjs-river')).toEqual([]);
    expect(await loadedBy('nestjs-river/nestjs-cls')).not.toEqual([]);
  });
});

describe('typeorm-transactional', () => {
  test('that does not know the data source is an error, not a job by itself', () => {
    const dataSource = new DataSource({ type: 'postgres' });
    const ask = () => typeormTransactionalTransactions()(dataSource);
    expect(ask).toThrow(RiverConfigurationError);
    expect(ask).toThrow('addTransactionalDataSource');
  });
});
