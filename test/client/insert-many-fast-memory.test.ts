import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';

const COUNT = 200_000;
/** Held in memory, the jobs would take more than 200 MiB. */
const LIMIT_MIB = 80;

const run = promisify(execFile);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

test.each(['iterable', 'async iterable', 'skip'])(
  `${COUNT} jobs take no more memory than a few: %s`,
  async (mode) => {
    await queryAll(database, 'truncate river_job');
    const program = 'test/client/insert-many-fast-memory.mjs';
    const { stdout } = await run(process.execPath, [program, database.url, String(COUNT), mode]);
    const { inserted, grownMiB } = JSON.parse(stdout) as { inserted: number; grownMiB: number };
    process.stdout.write(`${mode}: grown by ${grownMiB.toFixed(1)} MiB\n`);
    expect(inserted).toBe(COUNT);
    expect(grownMiB).toBeLessThan(LIMIT_MIB);
  },
  120_000,
);
