import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DatabaseError, RiverConfigurationError } from 'nestjs-river';
import { Notifier } from '../../../lib/worker/listen/notifier.js';
import { OutageLog } from '../../../lib/worker/outage-log.js';
import { startPgBouncer } from '../../poolers/pgbouncer.js';
import { FreezingProxy } from '../../client/freezing-proxy.js';
import {
  createTestDatabase,
  queryAll,
  spyStatements,
  untilPoolIsEmpty,
  type Connectable,
  type TestDatabase,
} from '../../support/index.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

const SCHEMA = 'Jobs_of_the_shop_in_a_schema_with_a_long_name1';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

let logged: string[];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  jest.restoreAllMocks();
});

interface Started {
  readonly notifier: Notifier;
  readonly worker: OpenedWorker;
  /** Everything heard, in the order in which it came. */
  readonly heard: unknown[];
}

async function startNotifier(target: Connectable, schema?: string): Promise<Started> {
  logged = [];
  for (const level of ['error', 'log'] as const)
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((text: string) => void logged.push(text));
  const worker = await openWorker(target, schema === undefined ? {} : { schema });
  closing.push(() => worker.close());
  const notifier = new Notifier(worker.database, {
    ...worker.core,
    outages: new OutageLog(),
    clientId: randomUUID(),
  });
  const heard: unknown[] = [];
  notifier.onInsert((queue) => heard.push(queue));
  notifier.onControl((event) => heard.push(event));
  notifier.onLeadership((event) => heard.push(event));
  notifier.onReconnect(() => heard.push('reconnected'));
  await notifier.start();
  closing.push(() => notifier.stop());
  return { notifier, worker, heard };
}

async function notify(topic: string, payload: string, schema = 'public'): Promise<void> {
  await queryAll(database, `select pg_notify($1, $2)`, [`${schema}.${topic}`, payload]);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}

const LISTENERS = `select pid from pg_stat_activity
  where datname = current_database() and query ~ '^(LISTEN|-- ping)'`;

async function terminateListener(): Promise<void> {
  await queryAll(database, `select pg_terminate_backend(pid) from (${LISTENERS}) as listeners`);
}

describe('A notifier', () => {
  test('tells of inserts, control and elections, and of nothing else', async () => {
    const { heard } = await startNotifier(database);
    await notify('river_insert', '{"queue": "mail"}');
    await notify('river_control', '{"action":"dance","queue":"mail"}');
    await notify('river_control', '{"action" : "cancel", "job_id" : 7, "queue" : "mail"}');
    await notify('river_insert', '{"queue": "other"}', 'elsewhere');
    await notify('river_leadership', '{"leader_id" : "x", "action" : "resigned"}');
    await until(() => heard.length >= 3);

    expect(heard).toEqual([
      'mail',
      { action: 'cancel', queue: 'mail', jobId: '7' },
      { action: 'resigned', leaderId: 'x' },
    ]);
  });

  test('listens in the schema of the option, whatever letters its name is of', async () => {
    const own = await createTestDatabase({ schema: SCHEMA });
    const { heard } = await startNotifier(own, SCHEMA);
    await queryAll(own, `select pg_notify($1, $2)`, [`${SCHEMA}.river_insert`, '{"queue":"a"}']);
    await queryAll(own, `select pg_notify($1, $2)`, [
      `${SCHEMA}.river_leadership`,
      '{"action":"b"}',
    ]);
    await until(() => heard.length >= 2);

    expect(heard).toEqual(['a', { action: 'b', leaderId: '' }]);
  });

  test('does not start in a schema whose name leaves no room for a channel', async () => {
    const schema = 'ü'.repeat(24);
    const own = await createTestDatabase({ schema });
    const target = new URL(own.url);
    target.searchParams.set('options', `-c search_path=${schema}`);

    await expect(startNotifier({ url: target.href })).rejects.toThrow(RiverConfigurationError);
  });

  test('does not start when its first connection fails', async () => {
    const worker = await openWorker(database);
    closing.push(() => worker.close());
    const notifier = new Notifier(worker.database, {
      ...worker.core,
      outages: new OutageLog(),
      clientId: randomUUID(),
    });
    const { master } = worker.database.dataSource.driver as unknown as {
      master: { options: object };
    };
    Object.assign(master.options, { connectionString: 'postgres://nobody@127.0.0.1:1/none' });
    await queryAll(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like '%(river worker)'`,
    );
    await untilPoolIsEmpty(worker.database.dataSource);

    await expect(notifier.start()).rejects.toThrow(DatabaseError);
  });

  test.each(['transaction', 'session'] as const)(
    'starts behind PgBouncer only where that keeps the session: in %s mode',
    async (mode) => {
      const settings = { pool_mode: mode, default_pool_size: 5 };
      const pooler = await startPgBouncer(database, settings);
      closing.push(() => pooler.stop());
      const starting = startNotifier(pooler.database);

      if (mode === 'session') await starting;
      else await expect(starting).rejects.toMatchObject({ code: 'RIVER_CANNOT_LISTEN' });
    },
  );

  test('removes a listener', async () => {
    const { notifier, heard } = await startNotifier(database);
    const queues: string[] = [];
    const remove = notifier.onInsert((queue) => queues.push(queue));
    await notify('river_insert', '{"queue":"a"}');
    await until(() => queues.length > 0);
    remove();
    await notify('river_insert', '{"queue":"b"}');
    await until(() => heard.length > 1);

    expect(queues).toEqual(['a']);
  });

  test('gives the pool no connection back that listens', async () => {
    const { notifier, worker } = await startNotifier(database);
    await notifier.stop();

    const { master } = worker.database.dataSource.driver as unknown as {
      master: { idleCount: number };
    };
    expect(master.idleCount).toBeLessThanOrEqual(1);
    await worker.database.close();
    expect(await queryAll(database, LISTENERS)).toEqual([]);
  });
});

describe('A notifier whose connection is lost', () => {
  test('listens again, says so to its listeners, and logs it once', async () => {
    const { heard } = await startNotifier(database);
    await terminateListener();
    await until(() => heard.length > 0);
    await notify('river_insert', '{"queue":"a"}');
    await until(() => heard.length > 1);

    expect(heard).toEqual(['reconnected', 'a']);
    expect(logged).toEqual([
      expect.stringMatching(/^Listening for notifications failed/),
      expect.stringMatching(/^The database responds again, after 1 statement/),
    ]);
  });

  test('finds out by a ping after 5 seconds of silence', async () => {
    const proxy = await FreezingProxy.open(database);
    closing.push(() => proxy.close());
    const { heard } = await startNotifier(proxy.database);
    proxy.freezeNext(1);
    await until(() => heard.length > 0);
    await notify('river_insert', '{"queue":"a"}');
    await until(() => heard.length > 1);

    expect(heard).toEqual(['reconnected', 'a']);
  });

  test('stops while it waits for the next connection', async () => {
    const { notifier, heard } = await startNotifier(database);
    await terminateListener();
    await until(() => logged.length > 0);
    await notifier.stop();

    expect(heard).toEqual([]);
  });
});

test('A notifier sends nothing but LISTEN, and a ping after 5 seconds of silence', async () => {
  const spy = await spyStatements(database);
  closing.push(() => spy.close());
  const { statements } = await spy.during(async () => {
    await startNotifier(spy.database, 'public');
    const sent = spy.sentSoFar();
    await until(() => spy.sentSoFar() > sent);
  });

  expect(statements.slice(-4).map(({ sql }) => sql)).toEqual([
    'LISTEN "public.river_insert"',
    'LISTEN "public.river_control"',
    'LISTEN "public.river_leadership"',
    '-- ping',
  ]);
});
