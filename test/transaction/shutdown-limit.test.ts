import { beforeAll, afterEach, describe, expect, test } from '@jest/globals';
import { Agent, request } from 'node:http';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { ChildApplication } from './child-application.js';
import { forget, NOTHING, stored } from './orders.js';
import { Way } from './way.js';

const PROGRAM = 'test/transaction/shutdown-limit-app.mjs';
/** A process whose end takes longer is killed, which fails the test. */
const KILLED_AFTER_MS = 40_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(
    database,
    'create table orders (id serial primary key, item text not null); create table locked ()',
  );
});
afterEach(() => forget(database));

function start(shutdownTimeoutMs: number, url = database.url): ChildApplication {
  return new ChildApplication(PROGRAM, [url, String(shutdownTimeoutMs)], KILLED_AFTER_MS);
}

const CLOSED = { close: 0, SIGTERM: 'SIGTERM' } as const;

/** The status of the answer, on a connection that is kept alive; undefined when it breaks. */
async function post(url: string, agent: Agent): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    sent.on('error', () => resolve(undefined)).end();
  });
}

describe.each(['close', 'SIGTERM'] as const)('%s while a request holds a transaction', (how) => {
  const agent = new Agent({ keepAlive: true });
  afterEach(() => agent.destroy());

  test.each(['hold/work', 'decorated', 'hold/lock'])(
    'POST /%s: it is rolled back when shutdownTimeoutMs is over, answered, and all is closed',
    async (path) => {
      const locker = await connect(database);
      await locker.query('begin; lock table locked');
      const app = start(300);
      try {
        const { url } = await app.waitFor('listening');
        const answer = post(`${url}/${path}`, agent);
        await app.waitFor('held');
        app.end(how);
        expect(await answer).toBe(500);
        expect(await app.exited).toBe(CLOSED[how]);
        expect(app.unhandled).toEqual([]);
        expect(await stored(database)).toEqual(NOTHING);
      } finally {
        await locker.end();
      }
    },
  );

  test('a request under way may still begin a transaction, until the limit', async () => {
    const app = start(10_000);
    const { url } = await app.waitFor('listening');
    const answer = post(`${url}/late`, agent);
    await app.waitFor('held');
    app.end(how);
    // The server refuses connections once the hooks before its end have run.
    while ((await post(url as string, new Agent())) !== undefined);
    app.child.send('go on');
    expect(await answer).toBe(201);
    expect(await app.exited).toBe(CLOSED[how]);
    expect(app.unhandled).toEqual([]);
    expect(await stored(database)).toEqual({ orders: ['late'], jobs: 2 });
  });
});

describe('an insert outside a transaction that waits for a lock', () => {
  test.each([
    // The connection breaks, and the server may go on with the statement.
    ['insert', 'InsertOutcomeUnknownError'],
    ['insertManyFast', 'ShuttingDownError'],
  ])('%s does not keep the application open', async (how, refused) => {
    const locker = await connect(database);
    const app = start(300);
    const agent = new Agent();
    try {
      const { url } = await app.waitFor('listening');
      await locker.query('begin; lock table river_job');
      const answer = post(`${url}/hold/${how}`, agent);
      await app.waitFor('held');
      app.end('close');
      expect(await answer).toBe(500);
      expect(await app.exited).toBe(0);
      expect(app.unhandled).toEqual([]);
      expect(await app.waitFor('rejected')).toMatchObject({ refused });
    } finally {
      agent.destroy();
      await locker.end();
    }
  });
});

/** What is stored of a transaction that is stuck after its COMMIT. */
const COMMITTED = { orders: ['held'], jobs: 1 };

describe.each(['close', 'destroy'] as const)('%s while a transaction is stuck', (how) => {
  test.each([
    ['work', NOTHING],
    ['lock', NOTHING],
    ['hook', COMMITTED],
    ['beforeTransactionStart', NOTHING],
    ['afterTransactionStart', NOTHING],
    ['beforeTransactionCommit', NOTHING],
    ['afterTransactionCommit', COMMITTED],
    ['beforeTransactionRollback', NOTHING],
    ['beforeQuery', NOTHING],
    ['afterQuery', NOTHING],
  ])('in %s: it ends', async (where, left) => {
    const locker = await connect(database);
    await locker.query('begin; lock table locked');
    const app = start(300);
    const agent = new Agent();
    try {
      const { url } = await app.waitFor('listening');
      const answer = post(`${url}/hold/${where}`, agent);
      await app.waitFor('held');
      app.end(how);
      await app.waitFor('closed');
      if (how === 'destroy') app.child.kill('SIGKILL');
      else expect(await app.exited).toBe(0);
      await Promise.all([app.exited, answer]);
      expect(app.unhandled).toEqual([]);
      expect(await stored(database)).toEqual(left);
    } finally {
      agent.destroy();
      await locker.end();
    }
  });

  test.each([
    ['a statement', 'statement'],
    ['a second connection', 'connect'],
  ])('in %s that a silent server does not answer: it ends', async (_what, where) => {
    const way = new Way(database.url);
    await way.open();
    const app = start(300, way.url);
    const agent = new Agent();
    try {
      const { url } = await app.waitFor('listening');
      const answer = post(`${url}/hold/${where}`, agent);
      await app.waitFor('about to hold');
      way.isSilent = true;
      app.child.send('go on');
      app.end(how);
      await app.waitFor('closed');
      if (how === 'destroy') app.child.kill('SIGKILL');
      else expect(await app.exited).toBe(0);
      await Promise.all([app.exited, answer]);
      expect(app.unhandled).toEqual([]);
    } finally {
      agent.destroy();
      await way.close();
    }
    expect(await stored(database)).toEqual(NOTHING);
  });
});
