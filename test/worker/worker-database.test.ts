import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError, RiverConfigurationError, RiverError } from 'nestjs-river';
import { DataSource, EntitySchema, type DataSourceOptions } from 'typeorm';
import { SchemaName } from '../../lib/postgres/connection/schema-name.js';
import { statement } from '../../lib/postgres/connection/statement.js';
import { WorkerDatabase } from '../../lib/worker/worker-database.js';
import { startPgBouncer } from '../poolers/pgbouncer.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  queryAll,
  spyStatements,
  type TestDatabase,
} from '../support/index.js';

type PostgresOptions = Partial<Extract<DataSourceOptions, { type: 'postgres' }>>;

const SESSION = statement(
  'session',
  `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS limit,
  current_setting('lock_timeout') AS lock_limit, current_database() AS database, pg_backend_pid() AS pid`,
);

const Order = new EntitySchema<{ id: number }>({
  name: 'worker_order',
  columns: { id: { type: Number, primary: true } },
});

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function connect(options: PostgresOptions): Promise<DataSource> {
  const dataSource = await new DataSource({ type: 'postgres', ...options }).initialize();
  closing.push(() => dataSource.destroy());
  return dataSource;
}

async function open(
  dataSource: DataSource,
  { max = 2, preparedStatements }: { max?: number; preparedStatements?: boolean } = {},
): Promise<WorkerDatabase> {
  const schema = new SchemaName(undefined);
  const own = await WorkerDatabase.open(dataSource, { max, schema, preparedStatements });
  closing.push(() => own.close());
  return own;
}

async function session({ connection }: WorkerDatabase) {
  const [row] = await connection.run(SESSION, []);
  return row;
}

async function terminateWorkers(): Promise<void> {
  await queryAll(
    database,
    `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like '%(river worker)' and datname = current_database()`,
  );
}

describe('The connections of a worker', () => {
  test('are free while the application holds its whole pool', async () => {
    const dataSource = await connect({ url: database.url, extra: { max: 1 } });
    const worker = await open(dataSource);
    const held = dataSource.createQueryRunner();
    await held.connect();

    expect(await session(worker)).toMatchObject({ database: database.name });
    await held.release();
  });

  const parts = (): PostgresOptions => {
    const url = new URL(database.url);
    return {
      host: url.hostname,
      port: Number(url.port),
      username: url.username,
      password: url.password,
      database: url.pathname.slice(1),
    };
  };
  const WAYS: Record<string, () => PostgresOptions> = {
    'a URL': () => ({ url: database.url }),
    'host, port and password': parts,
    'a function for the password': () => {
      const { password: text, ...rest } = parts();
      return { ...rest, password: () => Promise.resolve(String(text)) };
    },
    'the options of the pool alone': () => ({ extra: { connectionString: database.url } }),
    'the master of a replication': () => ({
      replication: { master: { url: database.url }, slaves: [{ url: database.url }] },
    }),
  };

  test.each(Object.keys(WAYS))('are made from %s', async (way) => {
    const dataSource = await connect(WAYS[way]?.() ?? {});

    expect(await session(await open(dataSource))).toMatchObject({ database: database.name });
  });

  test('are made as the pool is, though the options were changed since', async () => {
    const dataSource = await connect({ url: database.url });
    Object.assign(dataSource.options, { url: 'postgres://nobody@127.0.0.1:1/none' });

    expect(await session(await open(dataSource))).toMatchObject({ database: database.name });
  });

  test('bear the name of the application and say that they are of a worker', async () => {
    const named = await connect({ url: database.url, applicationName: 'shop' });
    const long = await connect({ url: database.url, applicationName: 'ü'.repeat(40) });
    const unnamed = await connect({ url: database.url });

    expect(await session(await open(named))).toMatchObject({ name: 'shop (river worker)' });
    expect(await session(await open(unnamed))).toMatchObject({
      name: 'nestjs-river (river worker)',
    });
    expect((await session(await open(long)))?.['name']).toMatch(/^[^ü]*\S+ \(river worker\)$/);
  });

  test('are not subject to the time limits of requests', async () => {
    const extra = { statement_timeout: 50, lock_timeout: 50, query_timeout: 50 };
    const worker = await open(await connect({ url: database.url, extra }));

    expect(await session(worker)).toMatchObject({ limit: '0', lock_limit: '0' });
    const long = statement('session', 'SELECT pg_sleep(0.2)');
    await expect(worker.connection.run(long, [])).resolves.toHaveLength(1);
  });

  test('make no tables and run no migrations', async () => {
    const dataSource = await connect({ url: database.url, entities: [Order] });
    Object.assign(dataSource.options, { synchronize: true, dropSchema: true, migrationsRun: true });
    const worker = await open(dataSource);

    expect(worker.dataSource.entityMetadatas).toEqual([]);
    const tables = await queryAll(database, `select to_regclass('worker_order') as orders`);
    expect(tables).toEqual([{ orders: null }]);
  });

  test('are at most as many as asked for', async () => {
    const worker = await open(await connect({ url: database.url, extra: { max: 20, min: 10 } }));
    const pids = await Promise.all(
      Array.from({ length: 8 }, async () => (await session(worker))?.['pid']),
    );

    expect(new Set(pids).size).toBeLessThanOrEqual(2);
  });

  test('are opened anew when the server has closed them, also under a statement', async () => {
    const worker = await open(await connect({ url: database.url }));
    const waiting = worker.connection.run(statement('session', 'SELECT pg_sleep(600)'), []);
    const failure = waiting.catch((error: unknown) => error);
    const idle = await session(worker);
    await terminateWorkers();

    expect(await failure).toBeInstanceOf(DatabaseError);
    // The pool may not have noticed yet that the idle one is closed.
    const now = await session(worker).catch(() => session(worker));
    expect(now?.['pid']).not.toBe(idle?.['pid']);
  });
});

describe('The start of a worker', () => {
  test('is rejected where River has no tables, with no connection left open', async () => {
    const empty = await createEmptyDatabase();
    const dataSource = await connect({ url: empty.url });

    await expect(open(dataSource)).rejects.toThrow(RiverConfigurationError);
    const left = await queryAll(
      empty,
      `select pid from pg_stat_activity
      where application_name like '%(river worker)' and datname = current_database()`,
    );
    expect(left).toEqual([]);
  });

  test('is rejected where the database refuses the connection', async () => {
    const dataSource = await connect({ url: database.url });
    const { master } = dataSource.driver as unknown as { master: { options: object } };
    Object.assign(master.options, { connectionString: 'postgres://nobody@127.0.0.1:1/none' });

    const failure = open(dataSource);
    await expect(failure).rejects.toThrow(DatabaseError);
    await expect(failure).rejects.toMatchObject({ retryable: true });
  });

  test('finds out that a pooler keeps no names of statements', async () => {
    const pooler = await startPgBouncer(database, { default_pool_size: 2 });
    closing.push(() => pooler.stop());
    const spy = await spyStatements(pooler.database);
    closing.push(() => spy.close());
    const worker = await open(await connect({ url: spy.database.url }));
    const { statements } = await spy.during(() => session(worker));

    expect(statements.map(({ name }) => name)).toEqual(['']);
  });
});

describe('The end of a worker', () => {
  test('waits for statements under way', async () => {
    const worker = await open(await connect({ url: database.url }));
    const waiting = worker.connection.run(statement('session', 'SELECT pg_sleep(0.2)'), []);
    await worker.close();

    expect(await waiting).toHaveLength(1);
  });

  test('does not wait for a statement that does not end, nor for one that waits behind it', async () => {
    const worker = await open(await connect({ url: database.url }), { max: 1 });
    const endless = statement('session', 'SELECT pg_sleep(600)');
    const failures = [1, 2].map(() =>
      worker.connection.run(endless, []).catch((error: unknown) => error),
    );
    await worker.close();
    await terminateWorkers();

    for (const failure of failures) expect(await failure).toBeInstanceOf(RiverError);
  });
});
