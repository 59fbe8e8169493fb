import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { jobArgs } from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { startClient, storedJobs, type StartedClient } from './started-client.js';

const LOCK = 'lock table lock_of_pauses';
const SECRET = 'a value of args';
const waiting = () => jobArgs('waiting', { value: SECRET });

let client: StartedClient;
let messages: string[];
/** Resolves with the next message at the level debug. */
let nextMessage: () => Promise<string>;

beforeAll(async () => {
  client = await startClient({ dataSource: { max: 1 } });
  await queryAll(client.database, 'create table lock_of_pauses ()');
});
afterAll(() => client.stop());

beforeEach(() => {
  messages = [];
  let listener: ((message: string) => void) | undefined;
  nextMessage = () => new Promise((resolve) => (listener = resolve));
  jest.spyOn(Logger.prototype, 'debug').mockImplementation((message) => {
    messages.push(String(message));
    listener?.(String(message));
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Holds the lock while `work` runs; what waits for it goes on afterwards. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const holder = await connect(client.database);
  try {
    await holder.query(`begin; ${LOCK}`);
    return await work();
  } finally {
    await holder.end();
  }
}

test('The end of a transaction that waits for unawaited work is reported at the level debug', async () => {
  let ended: Promise<void> | undefined;
  const message = await whileLocked(async () => {
    const reported = nextMessage();
    ended = client.transaction.run((manager) => {
      void manager.query(LOCK);
      void client.river.insert(jobArgs('unawaited', { value: SECRET }));
    });
    return await reported;
  });
  await ended;
  expect(message).toBe(
    'The end of a transaction is waiting for work that was started in it but not awaited: ' +
      'EntityManager.query, An insert. Await it.',
  );
  expect(messages).toHaveLength(1);
  expect(await storedJobs(client.database, `kind = 'unawaited'`)).toHaveLength(1);
});

test.each([
  ['inserts, which share one statement', () => client.river.insert(waiting())],
  ['a unique insert', () => client.river.insert(waiting(), { uniqueOpts: { byQueue: true } })],
  ['a transaction', () => client.transaction.run(() => client.river.insert(waiting()))],
])('A wait for a connection is reported at the level debug: %s', async (_who, insert) => {
  const reported = nextMessage();
  const taken = client.dataSource.createQueryRunner();
  await taken.connect();
  const inserts = Array.from({ length: 3 }, insert);
  const message = await reported;
  await taken.release();
  await Promise.all(inserts);
  expect(message).toMatch(/waiting for a connection of the pool: 1 open, 0 idle, /);
  expect(message).not.toContain(SECRET);
  expect(messages).toHaveLength(1);
});
