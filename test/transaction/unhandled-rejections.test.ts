import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { CREATE_ORDERS } from './orders.js';

type Results = Record<string, { readonly told: string; readonly unhandled: string[] }>;

interface Told {
  readonly failing: Results;
  readonly beyondUs: Results;
  readonly passedOn: Results;
  readonly tooLate: Results;
  readonly warnings: string[];
  readonly before: Record<string, number>;
  readonly used: Record<string, number>;
}

/** Of a plain process, in which nothing but the application listens to rejections. */
let told: Told;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(database, `${CREATE_ORDERS}; insert into orders (item) values ('taken')`);
  const run = promisify(execFile)(process.execPath, [
    'test/transaction/careless-app.mjs',
    database.url,
  ]);
  told = JSON.parse((await run).stdout) as Told;
});

test('a failure that is reported is not an unhandled rejection as well', () => {
  expect(Object.keys(told.failing).length).toBeGreaterThan(20);
  for (const [name, { told: outcome, unhandled }] of Object.entries(told.failing)) {
    expect([name, unhandled]).toEqual([name, []]);
    expect([name, outcome]).toEqual([name, expect.stringMatching(/Error$/)]);
  }
});

test('promises of query builders are, beside failing the transaction', () => {
  for (const result of Object.values(told.beyondUs)) {
    expect(result).toEqual({ told: 'TransactionRolledBackError', unhandled: ['QueryFailedError'] });
  }
});

test('a failure passed on to a promise that nobody handles fails the transaction as well', () => {
  expect(Object.keys(told.passedOn)).toHaveLength(4);
  for (const [name, result] of Object.entries(told.passedOn)) {
    expect([name, result]).toEqual([
      name,
      { told: 'InvalidJobError', unhandled: ['InvalidJobError'] },
    ]);
  }
});

test('a failure that nobody handles ends a process without listeners before COMMIT', async () => {
  const program = ['test/transaction/careless-app.mjs', database.url, 'crash'];
  const run = promisify(execFile)(process.execPath, program);
  await expect(run).rejects.toMatchObject({ code: 1, stdout: '' });
  expect(await queryAll(database, `select 1 from orders where item = 'lost'`)).toEqual([]);
});

test('what comes when all was reported well is, since nobody else would be told', () => {
  for (const result of Object.values(told.tooLate)) {
    expect(result).toEqual({ told: 'OK', unhandled: ['TransactionEndedError'] });
  }
});

test('nothing listens on the process, and nothing warns of too many listeners', () => {
  expect(told.used).toEqual(told.before);
  expect(told.warnings).toEqual([]);
});
