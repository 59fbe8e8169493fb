import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { jobArgs, RiverConfigurationError } from 'nestjs-river';
import { PeriodicJobs } from '../../../lib/worker/periodic/periodic-jobs.js';
import { everyMs } from '../../../lib/worker/periodic/schedule.js';
import { startClient, type StartedClient } from '../../client/started-client.js';
import { queryAll, type TestDatabase } from '../../support/index.js';
import { KillingProxy, type Moment } from '../../transaction/killing-proxy.js';
import { openWorker } from '../worker-core.js';

const PERIOD_MS = 2_000;

let client: StartedClient;
let logged: string[];
beforeAll(async () => {
  client = await startClient();
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await queryAll(client.database, 'truncate river_job; drop table if exists nestjs_river_periodic');
  jest.restoreAllMocks();
});
afterAll(() => client.stop());

function listenToLog(): void {
  logged = [];
  for (const level of ['error', 'log'] as const)
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((text: string) => void logged.push(text));
}

async function startPeriodic(database: TestDatabase, options?: string): Promise<void> {
  const extra = options === undefined ? {} : { options };
  const worker = await openWorker(database, { extra });
  closing.push(() => worker.close());
  const schedule = everyMs(PERIOD_MS);
  const make = () => jobArgs('plain', {});
  const jobs = [{ id: 'plain', schedule, runOnStart: false, make }];
  const periodic = new PeriodicJobs(worker.core, { client: client.river, jobs });
  await periodic.start();
  closing.push(() => periodic.stop());
}

async function dues(): Promise<number[]> {
  const rows = await queryAll<{ due: number }>(
    client.database,
    `select (extract(epoch from scheduled_at) * 1000)::float8 as due from river_job order by 1`,
  );
  return rows.map(({ due }) => due);
}

async function untilDues(count: number): Promise<number[]> {
  for (;;) {
    const found = await dues();
    if (found.length >= count) return found;
    await pause(20);
  }
}

test.each<Moment>(['before', 'at the answer of', 'after'])(
  'A process whose connection is lost %s a statement inserts each due time once',
  async (moment) => {
    listenToLog();
    const proxy = await KillingProxy.open(client.database);
    closing.push(() => proxy.close());
    await startPeriodic(proxy.database);
    await untilDues(1);
    const statements = ['UPDATE', 'INSERT INTO river_job', 'COMMIT'];
    for (const [place, statement] of statements.entries()) {
      proxy.killAt(moment, new RegExp(statement));
      await untilDues(place + 2);
    }
    const found = await untilDues(statements.length + 2);

    expect(proxy.kills).toBe(statements.length);
    const [first = 0] = found;
    expect(found).toEqual(found.map((_due, place) => first + place * PERIOD_MS));
  },
);

test('A database that was away is reported once, and the last time that passed is made up', async () => {
  listenToLog();
  const server = { url: client.database.url.replace(/[^/]+$/, 'postgres') };
  await startPeriodic(client.database);
  const before = await untilDues(1);
  await client.dataSource.destroy();
  await queryAll(server, `alter database "${client.database.name}" allow_connections false`);
  await queryAll(
    server,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1`,
    [client.database.name],
  );
  while (logged.length === 0) await pause(20);
  await pause(2 * PERIOD_MS);
  await queryAll(server, `alter database "${client.database.name}" allow_connections true`);
  await client.dataSource.initialize();
  const [next = 0] = (await untilDues(before.length + 2)).slice(before.length);

  expect(next).toBeGreaterThan((before.at(-1) ?? 0) + PERIOD_MS);
  expect(logged).toEqual([
    expect.stringMatching(/^Periodic job 'plain' failed/),
    expect.stringMatching(/^The database responds again/),
  ]);
});

test('The error of a role that must not create the table names the statement to run', async () => {
  const role = `${client.database.name}_role`;
  await queryAll(
    client.database,
    `create role "${role}"; grant usage on schema public to "${role}";
    grant insert, select on river_job to "${role}"`,
  );
  closing.push(() => queryAll(client.database, `drop owned by "${role}"; drop role "${role}"`));
  const failure = await startPeriodic(client.database, `-c role=${role}`).catch(
    (error: unknown) => error as RiverConfigurationError,
  );

  expect(failure).toBeInstanceOf(RiverConfigurationError);
  expect(failure).toMatchObject({ code: 'RIVER_PERIODIC_TABLE' });
  const [, create] = /(CREATE TABLE.*?;)/.exec(failure?.message ?? '') ?? [];
  await queryAll(client.database, create ?? '');
  await expect(startPeriodic(client.database, `-c role=${role}`)).rejects.toThrow('GRANT');
  await queryAll(
    client.database,
    `grant select, insert, update on nestjs_river_periodic to "${role}"`,
  );
  await startPeriodic(client.database, `-c role=${role}`);
});
