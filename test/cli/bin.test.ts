import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createEmptyDatabase, type TestDatabase } from '../support/index.js';

const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  bin: { 'nestjs-river': string };
};

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as it is installed, in a process of its own. */
function nestjsRiver(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env } };
    execFile(process.execPath, [bin['nestjs-river'], ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe('the program', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase();
  });

  test('has a first line that lets a shell run it', () => {
    expect(readFileSync(bin['nestjs-river'], 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('ends by itself, with the exit codes of a deploy script', async () => {
    const env = { DATABASE_URL: database.url };
    expect(await nestjsRiver(['validate'], env)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Unapplied migrations: 1, 2, 3, 4, 5, 6, 7, 8.\n',
    });
    expect(await nestjsRiver(['migrate-up'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await nestjsRiver(['validate'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await nestjsRiver(['validate', '--shema', 'x'], env)).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  test("knows libpq's variables", async () => {
    const { hostname, port, username, password, pathname } = new URL(database.url);
    const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password };
    const list = await nestjsRiver(['migrate-list'], { ...env, PGDATABASE: pathname.slice(1) });
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toContain('\n* 008 job id autoincrement\n');
    expect(await nestjsRiver(['migrate-list'], env)).toMatchObject({ code: 2 });
  });
});
