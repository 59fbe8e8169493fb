import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { InsertManyParams, JobArgs, jobArgs, type RiverModuleOptions } from 'nestjs-river';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

@JobArgs('notified')
class NotifiedArgs {
  constructor(readonly n: number = 0) {}
}

let database: TestDatabase;
let listener: pg.Client;
let heard: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  listener = await connect(database);
  listener.on('notification', ({ payload = '' }) => heard.push(payload));
  await listener.query('listen "public.river_insert"');
});
afterAll(() => listener.end());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Until the listener has heard of all that was committed before. */
const delivered = (): Promise<unknown> => listener.query('select 1');

/** Until the listener has heard of so many. */
async function untilHeard(count: number): Promise<void> {
  while (heard.length < count) await pause(5);
}

/** The queues of all that was committed before. */
async function queues(): Promise<unknown[]> {
  await delivered();
  return heard.map((payload) => (JSON.parse(payload) as { queue: string }).queue);
}

/** A fresh client, so that no test falls into another's cooldown. */
async function withClient(
  notify: RiverModuleOptions['notify'],
  work: (client: StartedClient) => Promise<void>,
): Promise<void> {
  await delivered();
  heard = [];
  const client = await startClient({ database, river: { notify } });
  try {
    await work(client);
  } finally {
    await client.stop();
  }
}

describe('notify by default', () => {
  test('of ten inserts in a row the first notifies, and the others once the application stops', async () => {
    await withClient({ cooldownMs: 60_000 }, async ({ river }) => {
      for (let n = 0; n < 10; n++) await river.insert(new NotifiedArgs(n));
      expect(await queues()).toEqual(['default']);
    });
    expect(await queues()).toEqual(['default', 'default']);
  });

  test('what falls into the cooldown is told at its end', () =>
    withClient({ cooldownMs: 300 }, async ({ river }) => {
      const began = performance.now();
      await river.insert(new NotifiedArgs());
      await river.insert(new NotifiedArgs());
      await untilHeard(2);
      expect(performance.now() - began).toBeGreaterThan(299);
    }));

  test('an insert in a transaction notifies at its COMMIT, whatever the cooldown', () =>
    withClient({ cooldownMs: 60_000 }, async ({ river, transaction }) => {
      await river.insert(new NotifiedArgs());
      await transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        await river.insert(new NotifiedArgs());
        expect(await queues()).toEqual(['default']);
      });
      expect(await queues()).toEqual(['default', 'default']);
    }));

  test('a transaction that rolls back tells nobody and opens no window', () =>
    withClient({ cooldownMs: 60_000 }, async ({ river, transaction }) => {
      const rolledBack = transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        throw new Error('no');
      });
      await expect(rolledBack).rejects.toThrow('no');
      await river.insert(new NotifiedArgs());
      expect(await queues()).toEqual(['default']);
    }));

  test('an insert that the database rejects opens no window, so the next one notifies', async () => {
    await queryAll(
      database,
      `alter table river_job add constraint refused check (kind <> 'refused')`,
    );
    await withClient({ cooldownMs: 60_000 }, async ({ river }) => {
      const refused = river.insert(jobArgs('refused', {}));
      await expect(refused).rejects.toMatchObject({ sqlState: '23514' });
      await river.insert(new NotifiedArgs());
      expect(await queues()).toEqual(['default']);
    });
    await queryAll(database, 'alter table river_job drop constraint refused');
  });

  test('a scheduled job notifies nobody, nor does a duplicate of it that could be worked', () =>
    withClient({ cooldownMs: 0 }, async ({ river }) => {
      const uniqueOpts = { byArgs: true };
      await river.insertMany([
        InsertManyParams.of(new NotifiedArgs(-1), { uniqueOpts, delay: 60_000 }),
        InsertManyParams.of(new NotifiedArgs(-1), { uniqueOpts }),
      ]);
      expect(await queues()).toEqual([]);
    }));

  test('with a cooldown of 0 every insert notifies', () =>
    withClient({ cooldownMs: 0 }, async ({ river }) => {
      for (let n = 0; n < 3; n++) await river.insert(new NotifiedArgs(n));
      expect(await queues()).toEqual(['default', 'default', 'default']);
    }));
});

test('with notify: false nobody is told', async () => {
  await withClient(false, async ({ river, transaction }) => {
    await river.insert(new NotifiedArgs());
    await transaction.run(() => river.insert(new NotifiedArgs()));
  });
  expect(await queues()).toEqual([]);
});

describe("notify: { mode: 'afterCommit' }", () => {
  test('tells once the transaction is committed, through the cooldown', async () => {
    await withClient(
      { mode: 'afterCommit', cooldownMs: 60_000 },
      async ({ river, transaction }) => {
        for (let n = 0; n < 10; n++) await transaction.run(() => river.insert(new NotifiedArgs(n)));
        await untilHeard(1);
        expect(await queues()).toEqual(['default']);
      },
    );
    expect(await queues()).toEqual(['default', 'default']);
  });

  test('does not wait for hooks of the application', () =>
    withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      let goOn = (): void => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const run = transaction.run(async () => {
        transaction.afterCommit(() => held);
        await river.insert(new NotifiedArgs());
      });
      await untilHeard(1);
      goOn();
      await run;
      expect(await queues()).toEqual(['default']);
    }));

  test('tells of what is committed while the application stops', async () => {
    let run: Promise<unknown> = Promise.resolve();
    await withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      await new Promise<void>((inserted) => {
        run = transaction.run(async () => {
          await river.insert(new NotifiedArgs());
          inserted();
          await pause(300);
        });
      });
    });
    await run;
    expect(await queues()).toEqual(['default']);
  });

  test('tells nobody of what was rolled back', async () => {
    await withClient({ mode: 'afterCommit' }, async ({ river, transaction }) => {
      const rolledBack = transaction.run(async () => {
        await river.insert(new NotifiedArgs());
        throw new Error('no');
      });
      await expect(rolledBack).rejects.toThrow('no');
    });
    expect(await queues()).toEqual([]);
  });

  test('notifies by the statement in a transaction that the application opened itself', () =>
    withClient({ mode: 'afterCommit' }, async ({ river, dataSource }) => {
      const queryRunner = dataSource.createQueryRunner();
      await queryRunner.startTransaction();
      await river.insertTx(queryRunner, new NotifiedArgs());
      await queryRunner.commitTransaction();
      await queryRunner.release();
      expect(await queues()).toEqual(['default']);
    }));
});
