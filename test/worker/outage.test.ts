import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { RiverWorker, RiverWorkerModule, type WorkedJob } from 'nestjs-river/worker';
import type { DataSource } from 'typeorm';
import { start, typeOrm } from '../module/applications.js';
import {
  connect,
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { Way } from '../transaction/way.js';

let database: TestDatabase;
let way: Way;
let app: INestApplicationContext;
/** Past the way that is lost. */
let dataSource: DataSource;
let river: RiverClient;
const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);

let onHeld: (job: { readonly end: () => void }) => void;
const works = {
  quick: (): void => undefined,
  held: (_job: WorkedJob) => new Promise<void>((end) => onHeld({ end })),
};

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  database = await createTestDatabase();
});
beforeEach(async () => {
  logged.mockClear();
  way = new Way(database.url);
  await way.open();
  dataSource = await createDataSource(database);
  river = new RiverClient(dataSource, {});
  app = await start([
    typeOrm({ ...database, url: way.url }),
    RiverModule.forRoot(),
    RiverWorkerModule.forRoot({ queues: { default: 2 }, works, softStopMs: 100 }),
  ]);
});
afterEach(async () => {
  await app.close();
  await way.close();
  await dataSource.destroy();
});

async function hold(): Promise<{ readonly id: string; readonly end: () => void }> {
  const begun = new Promise<{ readonly end: () => void }>((resolve) => (onHeld = resolve));
  const { job } = await river.insert(jobArgs('held', {}));
  const { end } = await begun;
  return { id: job.id, end };
}

async function untilOutage(isOut: boolean): Promise<void> {
  const worker = app.get(RiverWorker);
  while ((worker.status().databaseError !== undefined) !== isOut) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a database that goes away', () => {
  test('is reported once, and what ended meanwhile is stored when it is back', async () => {
    const { id, end } = await hold();
    await way.close();
    await untilOutage(true);
    end();
    const { job } = await river.insert(jobArgs('quick', {}));
    await way.open();
    const [held, quick] = await Promise.all([river.waitFor(id), river.waitFor(job)]);
    expect(held.job).toMatchObject({ attempt: 1, errors: [] });
    expect(quick.job).toMatchObject({ attempt: 1, errors: [] });
    await untilOutage(false);
    const reports = logged.mock.calls.filter(([text]) => String(text).includes('is tried again'));
    expect(reports).toHaveLength(1);
  });

  test('and keeps a claim waiting does not keep the worker from its end', async () => {
    const { id } = await hold();
    const locker = await connect(database);
    await locker.query('begin; lock table river_job in access exclusive mode');
    const waits = `select from pg_stat_activity where wait_event_type = 'Lock'
      and datname = current_database() and application_name like '%river worker%'`;
    while ((await locker.query(waits)).rowCount === 0);
    await app.get(RiverWorker).stop();
    await locker.query('rollback');
    await locker.end();
    const rows = await queryAll(database, 'select state from river_job where id = $1', [id]);
    expect(rows).toEqual([{ state: 'running' }]);
  });

  test('and falls silent does not keep the worker from its end', async () => {
    const { id } = await hold();
    way.isSilent = true;
    await app.get(RiverWorker).stop();
    expect(app.get(RiverWorker).status().isRunning).toBe(false);
    const rows = await queryAll(database, 'select state from river_job where id = $1', [id]);
    expect(rows).toEqual([{ state: 'running' }]);
    await way.close();
    await way.open();
    way.isSilent = false;
  });
});
