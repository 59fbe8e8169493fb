import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { jobArgs } from 'nestjs-river';
import {
  createTestDatabase,
  spyStatements,
  type StatementSpy,
  type TestDatabase,
} from '../support/index.js';
import { startClient, type StartedClient } from '../client/started-client.js';
import { RenamingPooler } from './renaming-pooler.js';

let spy: StatementSpy;
let client: StartedClient;
let warnings: string[];
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  spy = await spyStatements(await createTestDatabase());
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: string) => {
    if (message.includes('SQLSTATE')) warnings.push(message);
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await client.stop();
  for (const close of closing.splice(0)) await close();
  await spy.close();
});

interface StartOptions {
  readonly database?: TestDatabase;
  /** Whether no insert was sent yet. */
  readonly untried?: boolean;
}

async function start(
  preparedStatements?: boolean,
  { database = spy.database, untried = false }: StartOptions = {},
): Promise<void> {
  client = await startClient({
    database,
    dataSource: { max: 2 },
    river: { preparedStatements, notify: false },
  });
  // The first insert also asks for triggers, by a text of its own.
  if (!untried) await insert();
}

const insert = (): Promise<unknown> => client.river.insert(jobArgs('prepared', {}));

async function insertNames(work: () => Promise<unknown> = insert): Promise<string[]> {
  const { statements } = await spy.during(work);
  return statements.filter(({ sql }) => sql.includes('INSERT')).map(({ name }) => name);
}

/** What an insert sends on a connection of the pool that nothing was done to. */
async function namesOnOtherConnection(): Promise<string[]> {
  return await client.transaction.run(() => client.transaction.outside(() => insertNames()));
}

/** As behind a pooler: the name of the insert is in use in a session whose client never prepared it. */
async function useName(preparedStatements?: boolean, work = insert): Promise<void> {
  await start(preparedStatements, { untried: true });
  const [name] = await insertNames(work);
  await client.stop();
  await start(preparedStatements, { untried: true });
  await client.dataSource.query(`prepare ${name} as select 1`);
}

const SEEN_BEHIND_POOLER = expect.stringMatching(/^POOLER_river_/) as unknown as string;
const NAMED = expect.stringMatching(/^river_/) as unknown as string;

test('after a name was in use no statement of the data source has a name, which is logged once', async () => {
  await useName();
  expect(await insertNames()).toEqual([NAMED, '']);
  expect(await namesOnOtherConnection()).toEqual(['']);
  expect(warnings).toEqual([expect.stringContaining('existed already (SQLSTATE 42P05)')]);
});

test('after a name was in use in a transaction the next transaction succeeds', async () => {
  const inTransaction = (): Promise<unknown> => client.transaction.run(insert);
  await useName(undefined, inTransaction);
  await expect(inTransaction()).rejects.toMatchObject({
    sqlState: '42P05',
    retryable: true,
  });
  await inTransaction();
  expect(await namesOnOtherConnection()).toEqual(['']);
  expect(warnings).toHaveLength(1);
});

test('with preparedStatements: true a name in use is of consequence for that connection alone', async () => {
  await useName(true);
  expect(await insertNames()).toEqual([NAMED, '']);
  expect(await namesOnOtherConnection()).toEqual([NAMED]);
  expect(warnings).toEqual([]);
});

test('DISCARD ALL without a pooler is of consequence for that connection alone', async () => {
  await start();
  await insert();
  await client.dataSource.query('discard all');
  expect(await insertNames()).toEqual([NAMED, '']);
  expect(await namesOnOtherConnection()).toEqual([NAMED]);
  expect(warnings).toEqual([]);
});

test('after a name was unknown behind a pooler no statement of the data source has a name', async () => {
  const pooler = await RenamingPooler.open(spy.database);
  closing.push(() => pooler.close());
  await start(undefined, { database: pooler.database });
  await insert();
  await client.dataSource.query('discard all');
  expect(await insertNames()).toEqual([SEEN_BEHIND_POOLER, '']);
  expect(await namesOnOtherConnection()).toEqual(['']);
  expect(warnings).toEqual([expect.stringContaining('did not exist any more (SQLSTATE 26000)')]);
});
