import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { PoolConnection } from '../../../lib/postgres/connection/pool-connection.js';
import { reindexer } from '../../../lib/worker/maintenance/reindexer.js';
import type { WorkerCore } from '../../../lib/worker/worker-core.js';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

let database: TestDatabase;
let worker: OpenedWorker;

beforeAll(async () => {
  database = await createTestDatabase();
  worker = await openWorker(database);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => worker.close());

/** The indexes of river_job with what changes when one is rebuilt. */
async function files(): Promise<Map<string, number>> {
  const rows = await queryAll<{ name: string; file: number }>(
    database,
    `select relname::text as name, relfilenode::int as file from pg_class
     join pg_index on indexrelid = pg_class.oid where indrelid = 'river_job'::regclass`,
  );
  return new Map(rows.map(({ name, file }) => [name, file]));
}

/** Runs a service of these parts as at midnight; returns the names of the indexes rebuilt. */
async function rebuilt(core: WorkerCore): Promise<string[]> {
  const before = await files();
  const service = reindexer(core);
  while (await service.run(1)) continue;
  const after = await files();
  return [...after].filter(([name, file]) => before.get(name) !== file).map(([name]) => name);
}

/** The same, but one index cannot be rebuilt. */
function failing(index: string, error: Error): WorkerCore {
  const { connection } = worker.core;
  const run: PoolConnection['run'] = (statement, values) =>
    statement.text.startsWith('REINDEX') && statement.text.includes(index)
      ? Promise.reject(error)
      : connection.run(statement, values);
  return { ...worker.core, connection: { run } as PoolConnection };
}

test('rebuilds the indexes of river_job', async () => {
  expect(await rebuilt(worker.core)).toEqual(expect.arrayContaining(['river_job_pkey']));
  expect((await rebuilt(worker.core)).length).toBeGreaterThanOrEqual(6);
});

test('rebuilds the others when one index fails, and logs which', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  const all = await rebuilt(worker.core);
  const [first = ''] = all.sort();
  const others = await rebuilt(failing(`"${first}"`, new Error('timeout')));
  expect(others.sort()).toEqual(all.slice(1));
  expect(error.mock.calls.map(([text]) => text as unknown)).toEqual([
    `The index ${first} was not rebuilt: Error: timeout`,
  ]);
});

test('skips an index with something left of an interrupted REINDEX', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  await queryAll(database, 'create index river_job_pkey_ccnew1 on river_job (id)');
  try {
    const names = await rebuilt(worker.core);
    expect(names).not.toContain('river_job_pkey');
    expect(names).toContain('river_job_unique_idx');
    expect(warn).toHaveBeenCalledTimes(1);
  } finally {
    await queryAll(database, 'drop index river_job_pkey_ccnew1');
  }
});

test('logs once that the database user does not own the tables', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  const role = `reindexer_${process.pid}`;
  const owner = await connect(database);
  await owner.query(`create role ${role} login password 'x' nosuperuser;
    grant usage on schema public to ${role}; grant select, insert, update, delete on all tables in schema public to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'x';
  const limited = await openWorker({ ...database, url: url.href });
  try {
    const service = reindexer(limited.core);
    for (let night = 0; night < 2; night++) {
      service.untilNext();
      while (await service.run(1)) continue;
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain('does not own river_job');
  } finally {
    await limited.close();
    await owner.query(`drop owned by ${role}; drop role ${role}`);
    await owner.end();
  }
});
