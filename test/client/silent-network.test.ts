import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { jobArgs, RiverModule, type RiverError } from 'nestjs-river';
import {
  createDataSource,
  createTestDatabase,
  type TestDatabase,
  type TestDataSourceOptions,
} from '../support/index.js';
import { FreezingProxy } from './freezing-proxy.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let database: TestDatabase;
const warn = jest.fn<(message: string, ...rest: unknown[]) => void>();
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => void warn.mockClear());

/** What is logged while modules with one data source start. */
async function warningsOf(
  options: TestDataSourceOptions,
  { modules = 1, url = database.url } = {},
): Promise<string[]> {
  const dataSource = await createDataSource({ url }, options);
  try {
    const imports = Array.from({ length: modules }, (_, n) =>
      RiverModule.forRoot({ name: n === 0 ? 'default' : `other${n}`, dataSource }),
    );
    const ignore = (): void => undefined;
    const logger = { log: ignore, error: ignore, warn };
    const module = await Test.createTestingModule({ imports }).setLogger(logger).compile();
    const app = await module.init();
    await app.close();
    return warn.mock.calls.map(([message]) => message);
  } finally {
    await dataSource.destroy();
  }
}

test('a data source without limits is warned of once, by what to set', async () => {
  const [warning, ...others] = await warningsOf({}, { modules: 3 });
  expect(others).toEqual([]);
  expect(warning).toContain('no query_timeout and no connectionTimeoutMillis');
  expect(warning).toContain('extra: { query_timeout: 60000, connectionTimeoutMillis: 10000 }');
  expect(warning).toContain('When the network falls silent');
});

test('the warning names only the limits that are missing', async () => {
  const [warning] = await warningsOf({ extra: { query_timeout: 60_000 } });
  expect(warning).toContain('has no connectionTimeoutMillis:');
  expect(warning).not.toContain('query_timeout');
});

test.each([
  ['in extra', { query_timeout: 60_000, connectionTimeoutMillis: 10_000 }, ''],
  ['in the URL', { connectionTimeoutMillis: 10_000 }, '?query_timeout=60000'],
])('a data source with limits %s is not warned of', async (_where, extra, query) => {
  expect(await warningsOf({ extra }, { url: database.url + query })).toEqual([]);
});

test('with limits, an insert on a silent connection ends, and the next one is stored', async () => {
  const proxy = await FreezingProxy.open(database);
  const extra = { query_timeout: 200, connectionTimeoutMillis: 5_000 };
  const options = { database: proxy.database, dataSource: { max: 1, extra } };
  const client = await startClient(options);
  try {
    proxy.freezeNext(1);
    await expect(client.river.insert(jobArgs('silent', {}))).rejects.toMatchObject({
      code: 'RIVER_INSERT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      retryable: false,
    });
    await client.river.insert(jobArgs('silent', {}));
    expect(await countJobs(database)).toBe(1);
  } finally {
    await client.stop();
    await proxy.close();
  }
});

test('with limits, a connection that cannot be opened is not stored, and retryable', async () => {
  const proxy = await FreezingProxy.open(database);
  const extra = { query_timeout: 5_000, connectionTimeoutMillis: 200, idleTimeoutMillis: 1 };
  const client = await startClient({ database: proxy.database, dataSource: { max: 1, extra } });
  try {
    const { master } = client.dataSource.driver as unknown as { master: { totalCount: number } };
    while (master.totalCount > 0) await new Promise((resolve) => setImmediate(resolve));
    proxy.freezeNext(1);
    await expect(client.river.insert(jobArgs('unreachable', {}))).rejects.toMatchObject({
      code: 'RIVER_DATABASE',
      outcome: 'not-stored',
      retryable: true,
    });
    expect(await countJobs(database, "kind = 'unreachable'")).toBe(0);
  } finally {
    await client.stop();
    await proxy.close();
  }
});

test.each<[string, (client: StartedClient) => Promise<unknown>]>([
  ['run', ({ transaction }) => transaction.run(() => undefined)],
  [
    'a query runner',
    async ({ dataSource }) => {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction().finally(() => runner.release());
    },
  ],
])(
  'after a BEGIN of %s that had no answer, an insert is stored or rejected',
  async (_by, begin) => {
    const proxy = await FreezingProxy.open(database);
    const extra = { query_timeout: 200, connectionTimeoutMillis: 5_000 };
    const options = { database: proxy.database, dataSource: { max: 1, extra } };
    const client = await startClient(options);
    try {
      await client.river.insert(jobArgs('warm', {}));
      proxy.holdAnswers();
      const failure = await begin(client).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      const cause = failure?.cause as Error | undefined;
      expect([failure?.message, cause?.message]).toContain('Query read timeout');
      const before = await countJobs(database);
      proxy.passAnswers();
      const outcome = await client.river.insert(jobArgs('next', {})).then(
        () => 'stored',
        (error: unknown) => (error as RiverError).outcome,
      );
      const stored = (await countJobs(database)) - before;
      expect(outcome).toBe(stored === 1 ? 'stored' : 'not-stored');
    } finally {
      await client.stop();
      await proxy.close();
    }
  },
);
