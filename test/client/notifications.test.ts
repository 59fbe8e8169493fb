import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { InsertManyParams, JobArgs, type RiverModuleOptions } from 'nestjs-river';
import { connect, createTestDatabase, type TestDatabase } from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

@JobArgs('notified')
class NotifiedArgs {
  constructor(readonly n: number = 0) {}
}

let database: TestDatabase;
let listener: pg.Client;
let heard: { at: number; payload: string | undefined }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  listener = await connect(database);
  listener.on('notification', ({ payload }) => heard.push({ at: Date.now(), payload }));
  await listener.query('listen "public.river_insert"');
});
afterAll(() => listener.end());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const queues = (): unknown[] =>
  heard.map(({ payload }) => (JSON.parse(payload ?? '') as { queue: string }).queue);

/** A fresh client, so that no test falls into another's cooldown. */
async function withClient(
  notify: RiverModuleOptions['notify'],
  work: (client: StartedClient) => Promise<void>,
): Promise<void> {
  heard = [];
  const client = await startClient({ database, river: { notify } });
  try {
    await work(client);
  } finally {
    await client.stop();
  }
}

describe('notify by default', () => {
  test('of ten inserts in a row two notify: the first, and one at the end of the cooldown', () =>
    withClient({ cooldownMs: 1_500 }, async ({ river }) => {
      for (let n = 0; n < 10; n++) await river.insert(new NotifiedArgs(n));
      await pause(1_700);
      expect(queues()).toEqual(['default', 'default']);
      const [first, last] = heard;
      expect((last?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1_000);
    }));

  test('an insert in a transaction notifies at its COMMIT, whatever the cooldown', () =>
    withClient({ cooldownMs: 5_000 }, async ({ river, transaction }) => {
      await river.insert(new NotifiedArgs());
      await transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        await river.insert(new NotifiedArgs());
        await pause(50);
        expect(queues()).toEqual(['default']);
      });
      await pause(50);
      expect(queues()).toEqual(['default', 'default']);
    }));

  test('a transaction that rolls back tells nobody and opens no window', () =>
    withClient({ cooldownMs: 5_000 }, async ({ river, transaction }) => {
      const rolledBack = transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        throw new Error('no');
      });
      await expect(rolledBack).rejects.toThrow('no');
      await river.insert(new NotifiedArgs());
      await pause(50);
      expect(queues()).toEqual(['default']);
    }));

  test('what waits for the end of the cooldown is told when the application stops', async () => {
    await withClient({ cooldownMs: 5_000 }, async ({ river }) => {
      await river.insert(new NotifiedArgs());
      await river.insert(new NotifiedArgs());
    });
    await pause(50);
    expect(queues()).toEqual(['default', 'default']);
  });

  test('a scheduled job notifies nobody, nor does a duplicate of it that could be worked', () =>
    withClient({ cooldownMs: 0 }, async ({ river }) => {
      const uniqueOpts = { byArgs: true };
      await river.insertMany([
        InsertManyParams.of(new NotifiedArgs(-1), { uniqueOpts, delay: 60_000 }),
        InsertManyParams.of(new NotifiedArgs(-1), { uniqueOpts }),
      ]);
      await pause(50);
      expect(queues()).toEqual([]);
    }));

  test('with a cooldown of 0 every insert notifies', () =>
    withClient({ cooldownMs: 0 }, async ({ river }) => {
      for (let n = 0; n < 3; n++) await river.insert(new NotifiedArgs(n));
      await pause(50);
      expect(queues()).toEqual(['default', 'default', 'default']);
    }));
});

describe('notify: false', () => {
  test('tells nobody', () =>
    withClient(false, async ({ river, transaction }) => {
      await river.insert(new NotifiedArgs());
      await transaction.run(() => river.insert(new NotifiedArgs()));
      await pause(150);
      expect(heard).toEqual([]);
    }));
});

describe("notify: { mode: 'afterCommit' }", () => {
  test('tells once the transaction is committed, through the cooldown', () =>
    withClient({ mode: 'afterCommit', cooldownMs: 1_500 }, async ({ river, transaction }) => {
      for (let n = 0; n < 10; n++) await transaction.run(() => river.insert(new NotifiedArgs(n)));
      await pause(1_700);
      expect(queues()).toEqual(['default', 'default']);
    }));

  test('does not wait for hooks of the application', () =>
    withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      const run = transaction.run(async () => {
        transaction.afterCommit(() => pause(1_000));
        await river.insert(new NotifiedArgs());
      });
      await pause(500);
      expect(queues()).toEqual(['default']);
      await run;
    }));

  test('tells of what is committed while the application stops', async () => {
    let run: Promise<unknown> = Promise.resolve();
    await withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      run = transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        await pause(300);
      });
      await pause(50);
    });
    await run;
    await pause(50);
    expect(queues()).toEqual(['default']);
  });

  test('tells nobody of what was rolled back', () =>
    withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      const rolledBack = transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        throw new Error('no');
      });
      await expect(rolledBack).rejects.toThrow('no');
      await pause(150);
      expect(heard).toEqual([]);
    }));

  test('notifies by the statement in a transaction that the application opened itself', () =>
    withClient({ mode: 'afterCommit' }, async ({ river, dataSource }) => {
      await dataSource.transaction((manager) => river.insertTx(manager, new NotifiedArgs()));
      await pause(50);
      expect(queues()).toEqual(['default']);
    }));
});
