import { execFile } from 'node:child_process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/index.js';

// In a process of its own, over the build, as `npm run compat` runs it beside other versions of
// TypeORM: `node test/typeorm-matrix/program.mjs postgres://...`
const PROGRAM = 'test/typeorm-matrix/program.mjs';

let output: string;
beforeAll(async () => {
  const { url } = await createTestDatabase();
  output = await new Promise((resolve) =>
    execFile(process.execPath, [PROGRAM, url], (error, stdout, stderr) =>
      resolve(error === null ? stdout : `${stdout}\n${stderr}`),
    ),
  );
}, 300_000);

/** The lines about one check: that it went well, or what did not. */
const saidOf = (check: string): string | undefined =>
  output.split(/\n(?=\S)/).find((each) => each.slice(5).startsWith(check));

test('each public method that the installed TypeORM has is called', () => {
  expect(saidOf('each of')).toMatch(/^ok {3}each of \d{3} public methods has a call$/);
  expect(output).toMatch(/^ok {3}\d{3} calls are correct$/m);
});

describe('each call does what TypeORM alone does, and nothing remains of it after a rollback', () => {
  test.each([
    'no transaction, by injected repositories',
    'no transaction, by repositories of their own',
    'run, by injected repositories',
    'run, by the manager given',
    'run, by repositories of their own',
    '@RiverTransactional(), by injected repositories',
    'a savepoint, by injected repositories',
    'a savepoint, by the manager given',
    'dataSource.transaction, by injected repositories',
    'dataSource.transaction, by the manager given',
  ])('in %s', (place) => {
    expect(saidOf(place)).toMatch(/^ok {3}.*: \d{3} calls, \d+ rolled back \([\d.]+ s\)$/);
  });

  test('and that is all', () => {
    expect(output).toMatch(/^TypeORM .* 10 places, \d{4} trials$/m);
    expect(output).not.toContain('FAIL');
  });
});
