import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { runSize } from '../support/run-size.js';
import { hasNamedStatements, startPgBouncer, type PgBouncerSettings } from './pgbouncer.js';

const PROCESSES = 2;
const TRANSACTIONS = runSize('POOLER_RUNS', { here: 1000, ci: 2000 });

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await queryAll(database, 'create table note (id serial primary key, text text not null)');
});
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Outcome {
  readonly succeeded: number;
  readonly failures: Readonly<Record<string, number>>;
}

async function callers({ url }: TestDatabase): Promise<Outcome> {
  const program = ['test/poolers/callers.mjs', url, String(TRANSACTIONS)];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Outcome;
}

const SETTINGS: readonly PgBouncerSettings[] = (await hasNamedStatements())
  ? [{ max_prepared_statements: 0 }, { max_prepared_statements: 100 }]
  : [{}];

test.each(SETTINGS)(
  `behind PgBouncer in transaction mode ${PROCESSES} processes with the default options have no failures (%j)`,
  async (settings) => {
    const pooler = await startPgBouncer(database, settings);
    closing.push(() => pooler.stop());
    const outcomes = await Promise.all(
      Array.from({ length: PROCESSES }, () => callers(pooler.database)),
    );
    expect(outcomes).toEqual(Array(PROCESSES).fill({ succeeded: TRANSACTIONS, failures: {} }));
  },
  60_000 + TRANSACTIONS * 60,
);
