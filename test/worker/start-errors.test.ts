import { beforeAll, describe, expect, test } from '@jest/globals';
import { RiverClient, RiverModule } from 'nestjs-river';
import {
  complete,
  RiverWorker,
  RiverWorkerModule,
  type RiverWorkerModuleOptions,
} from 'nestjs-river/worker';
import { randomUUID } from 'node:crypto';
import { RiverMigrator } from 'nestjs-river/migrations';
import { jobArgs } from 'nestjs-river';
import {
  configurationError,
  silence,
  start,
  startError,
  typeOrm,
  withApplication,
} from '../module/applications.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  connect,
  queryAll,
  type TestDatabase,
} from '../support/index.js';

let database: TestDatabase;
beforeAll(async () => {
  silence();
  database = await createTestDatabase();
});

const works = { work: () => complete() };
const parts = (options: Partial<RiverWorkerModuleOptions> = {}, url = database.url) => [
  typeOrm({ ...database, url }),
  RiverModule.forRoot(),
  RiverWorkerModule.forRoot({ queues: { default: 1 }, works, ...options }),
];

describe('an application does not start', () => {
  test('without RiverModule', async () => {
    const error = await startError([
      typeOrm(database),
      RiverWorkerModule.forRoot({ queues: { default: 1 }, works }),
    ]);
    expect(String(error)).toContain('RiverRuntime');
  });

  test('with the class alone', async () => {
    const error = await configurationError([
      typeOrm(database),
      RiverModule.forRoot(),
      RiverWorkerModule,
    ]);
    expect(error.message).toContain('import RiverWorkerModule.forRoot(...)');
  });

  test.each([
    ['an unknown option', { queue: 1 }, 'RiverWorkerModule: queue: there is no such option'],
    [
      'an unknown option of a queue',
      { queues: { default: { workers: 1 } } },
      'queues.default.workers: there is no',
    ],
    ['a queue without workers', { queues: { default: 0 } }, 'queues.default: must be'],
    [
      'the name of a queue that River does not take',
      { queues: { Mail: 1 } },
      'queues.Mail: the name of a queue',
    ],
    ['a client id of 101 characters', { clientId: 'x'.repeat(101) }, 'clientId: must be'],
    [
      'a rescue before the time limit',
      { jobTimeoutMs: 5_000, rescueAfterMs: 10 },
      'rescueAfterMs: must not',
    ],
    ['no handler at all', { works: {} }, 'queues: no provider has a method with @Work'],
  ])('with %s', async (_what, options, message) => {
    const error = await configurationError(parts(options as object));
    expect(error.message).toContain(message);
    expect(error.code).toBe('RIVER_INVALID_MODULE_OPTIONS');
  });

  test('with two workers of one client', async () => {
    const twice = [...parts(), RiverWorkerModule.forRoot({ queues: { other: 1 }, works })];
    const error = await configurationError(twice);
    expect(error.message).toContain("two worker modules have the name 'default'");
  });

  test('on tables older than version 6', async () => {
    const old = await createEmptyDatabase();
    const client = await connect(old);
    await new RiverMigrator(client).migrate({ direction: 'up', targetVersion: 5 });
    await client.end();
    const error = await configurationError(parts({}, old.url));
    expect(error.code).toBe('RIVER_SCHEMA_OUTDATED');
  });

  test('with a database user that lacks rights', async () => {
    const role = `w_${randomUUID().slice(0, 8)}`;
    await queryAll(
      database,
      `create role ${role} login password 'x';
       grant select, insert, update on river_job to ${role}; grant usage on all sequences in schema public to ${role}`,
    );
    const url = new URL(database.url);
    url.username = role;
    url.password = 'x';
    const error = await configurationError(parts({ maintenance: 'never' }, url.href));
    expect(error.code).toBe('RIVER_WORKER_RIGHTS');
    expect(error.message).toContain('GRANT INSERT ON river_queue');
    expect(error.message).toContain(role);
    await queryAll(database, `drop owned by ${role}; drop role ${role}`);
  });

  test('with a client id that another worker has, until that one has stopped', async () => {
    const clientId = 'the-only-one';
    await withApplication(parts({ clientId }), async () => {
      const error = await configurationError(parts({ clientId }));
      expect(error.code).toBe('RIVER_CLIENT_ID_TAKEN');
      expect(error.message).toContain("another worker in this database has the id 'the-only-one'");
    });
    await withApplication(parts({ clientId }), async (app) => {
      const worker = app.get(RiverWorker);
      await worker.stop();
      await worker.start();
      expect(worker.status().isRunning).toBe(true);
    });
  });
});

describe('nothing is worked', () => {
  test('with enabled: false, not even where start() is called', async () => {
    await withApplication(parts({ enabled: false }), async (app) => {
      await app.get(RiverWorker).start();
      expect(app.get(RiverWorker).status()).toMatchObject({ isRunning: false, queues: [] });
    });
  });

  test('with autoStart: false, until start() is called', async () => {
    const app = await start(parts({ autoStart: false }));
    const { job } = await app.get(RiverClient).insert(jobArgs('work', {}));
    expect(app.get(RiverWorker).status().isRunning).toBe(false);
    await expect(app.get(RiverClient).jobGet(job.id)).resolves.toMatchObject({
      state: 'available',
    });
    await app.get(RiverWorker).start();
    await expect(app.get(RiverClient).waitFor(job)).resolves.toMatchObject({ job: { attempt: 1 } });
    await app.close();
  });
});
