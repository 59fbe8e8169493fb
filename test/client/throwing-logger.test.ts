import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger as NestLogger } from '@nestjs/common';
import { jobArgs } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const broken = (text: string): void => {
  if (/river_job|COMMIT/.test(text)) throw new Error('the disk of the log is full');
};
const WAYS = {
  'throws on logQuery': { logQuery: broken },
  'rejects on logQuery': { logQuery: async (text: string) => broken(text) },
  'throws on logQuerySlow': { logQuerySlow: (_took: number, text: string) => broken(text) },
};

const REFUSE = `alter table river_job add constraint refused check (kind <> 'refused')`;

const ignore = (): void => undefined;
let client: StartedClient;
const logger = {
  logQuery: ignore as (text: string) => unknown,
  logQueryError: ignore as (error: string | Error, text: string) => unknown,
  logQuerySlow: ignore as (took: number, text: string) => unknown,
  logSchemaBuild: ignore,
  logMigration: ignore,
  log: ignore,
};
const warn = jest.spyOn(NestLogger.prototype, 'warn');

beforeAll(async () => {
  client = await startClient({ dataSource: { logger, max: 1 } });
  // Every statement is slow.
  client.dataSource.setOptions({ maxQueryExecutionTime: -1 });
});
beforeEach(() => {
  warn.mockReset().mockImplementation(ignore);
});
afterEach(() => {
  Object.assign(logger, { logQuery: ignore, logQueryError: ignore, logQuerySlow: ignore });
});
afterAll(() => client.stop());

test.each(Object.entries(WAYS))(
  'a logger that %s changes nothing of what is reported and stored',
  async (_way, methods) => {
    const before = await countJobs(client.database);
    Object.assign(logger, methods);
    await client.river.insert(jobArgs('outside', {}));
    await client.river.insertMany([jobArgs('outside', {}), jobArgs('outside', {})]);
    await client.river.insertManyFast([jobArgs('outside', {})]);
    await client.transaction.run(async () => {
      await client.river.insert(jobArgs('inside', {}));
      await client.river.insertManyFast([jobArgs('inside', {})]);
    });
    expect(await countJobs(client.database)).toBe(before + 6);
  },
);

test('a logger that throws on logQueryError hides no error of the database', async () => {
  logger.logQueryError = () => {
    throw new Error('the disk of the log is full');
  };
  await queryAll(client.database, REFUSE);
  const inserted = client.river.insert(jobArgs('refused', {}));
  await expect(inserted).rejects.toMatchObject({ code: 'RIVER_DATABASE', sqlState: '23514' });
});

test('the error of a logger that throws is reported once', async () => {
  const once = await startClient({
    database: client.database,
    dataSource: { logger: { ...logger, logQuery: broken } },
  });
  await once.river.insert(jobArgs('a', {}));
  await once.river.insert(jobArgs('b', {}));
  await once.stop();
  const reports = warn.mock.calls.filter(([text]) => String(text).includes('the disk of the log'));
  expect(reports).toHaveLength(1);
});
