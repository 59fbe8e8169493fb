import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  InsertManyParams,
  JobArgs,
  jobArgs,
  ShuttingDownError,
  type InsertOptions,
  type RiverModuleOptions,
} from 'nestjs-river';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(
    readonly id: number,
    private readonly opts: InsertOptions = {},
  ) {}
  insertOpts(): InsertOptions {
    return this.opts;
  }
  toJSON(): object {
    return { id: this.id };
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const inQueue = (queue: string, opts: InsertOptions = {}): object =>
  InsertManyParams.of(jobArgs('plain', {}), { ...opts, queue });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => queryAll(database, 'delete from river_job'));

/** A fresh client, so that no test falls into another's cooldown. */
async function withClient<T>(
  river: RiverModuleOptions,
  work: (client: StartedClient) => Promise<T>,
): Promise<T> {
  const client = await startClient({ database, river });
  try {
    return await work(client);
  } finally {
    await client.stop();
  }
}

describe('workers', () => {
  let listener: pg.Client;
  let heard: unknown[] = [];
  beforeAll(async () => {
    listener = await connect(database);
    listener.on('notification', ({ payload }) => {
      heard.push((JSON.parse(payload ?? '') as { queue: string }).queue);
    });
    await listener.query('listen "public.river_insert"');
  });
  beforeEach(() => {
    heard = [];
  });
  afterAll(() => listener.end());

  const ITEMS = [
    ...Array.from({ length: 1_000 }, (_, id) => inQueue(id % 2 === 0 ? 'zebra' : 'ant')),
    inQueue('later', { delay: 60_000 }),
    inQueue('waiting', { pending: true }),
  ];

  test.each(['fail', 'skip'] as const)(
    'are woken once for each queue with jobs that can be worked: %s',
    (onConflict) =>
      withClient({}, async ({ river }) => {
        await river.insertManyFast(ITEMS, { onConflict });
        await pause(100);
        expect(heard).toEqual(['zebra', 'ant']);
      }),
  );

  test('of queues whose jobs were all left out are not woken', () =>
    withClient({ notify: { cooldownMs: 0 } }, async ({ river }) => {
      const items = [new Unique(1, { queue: 'one' }), new Unique(2, { queue: 'two' })];
      await river.insertManyFast(items.slice(0, 1));
      await pause(50);
      await river.insertManyFast(items, { onConflict: 'skip' });
      await river.insertManyFast(items, { onConflict: 'skip' });
      await pause(50);
      expect(heard).toEqual(['one', 'two']);
    }));

  test('are woken at the end of a cooldown', () =>
    withClient({ notify: { cooldownMs: 500 } }, async ({ river }) => {
      await river.insertManyFast([inQueue('default')]);
      await river.insertManyFast([inQueue('default')]);
      await pause(100);
      expect(heard).toEqual(['default']);
      await pause(600);
      expect(heard).toEqual(['default', 'default']);
    }));

  test.each(['fail', 'skip'] as const)(
    'hear of a transaction when it is committed, never of one that is not: %s',
    (onConflict) =>
      withClient({}, async ({ river, transaction }) => {
        await transaction.run(async () => {
          await river.insertManyFast(ITEMS, { onConflict });
          await pause(50);
          expect(heard).toEqual([]);
        });
        await pause(50);
        expect(heard).toEqual(['zebra', 'ant']);
        const rolledBack = transaction.run(async () => {
          await river.insertManyFast(ITEMS, { onConflict });
          throw new Error('no');
        });
        await expect(rolledBack).rejects.toThrow('no');
        await pause(50);
        expect(heard).toHaveLength(2);
      }),
  );

  test("hear after the COMMIT with 'afterCommit', and nothing with false", async () => {
    await withClient({ notify: { mode: 'afterCommit' } }, async ({ river, transaction }) => {
      await transaction.run(() => river.insertManyFast(ITEMS));
      await pause(50);
    });
    expect(heard).toEqual(['zebra', 'ant']);
    await withClient({ notify: false }, async ({ river, transaction }) => {
      await river.insertManyFast(ITEMS);
      await transaction.run(() => river.insertManyFast(ITEMS, { onConflict: 'skip' }));
      await pause(50);
    });
    expect(heard).toHaveLength(2);
  });
});

test('the end of the application waits for a bulk insert, and new ones are rejected', async () => {
  const client = await startClient({ database });
  const slow = (async function* () {
    for (let id = 0; id < 10; id++) {
      await pause(30);
      yield jobArgs('slow', { id });
    }
  })();
  const inserting = client.river.insertManyFast(slow);
  await pause(50);
  await client.app.close();
  expect(await inserting).toEqual({ inserted: 10, skipped: 0 });
  await expect(client.river.insertManyFast([])).rejects.toBeInstanceOf(ShuttingDownError);
  await client.dataSource.destroy();
  expect(await countJobs(database)).toBe(10);
});

test('items that do not end are given up when the application does not wait any longer', async () => {
  const client = await startClient({ database, river: { shutdownTimeoutMs: 100 } });
  const stuck = (async function* () {
    yield jobArgs('stuck', {});
    await new Promise(() => undefined);
  })();
  const inserting = client.river.insertManyFast(stuck).catch((error: unknown) => error);
  await client.app.close();
  expect(await inserting).toBeInstanceOf(ShuttingDownError);
  await client.dataSource.destroy();
  expect(await countJobs(database)).toBe(0);
});

test.each(['fail', 'skip'] as const)(
  'insertManyFast works in a schema of any name: %s',
  async (onConflict) => {
    const other = await createTestDatabase({ schema: 'Jobs_2' });
    const client = await startClient({ database: other, river: { schema: 'Jobs_2' } });
    try {
      await client.river.insertManyFast([new Unique(1), new Unique(2)], { onConflict });
      await client.river.insertManyFast([new Unique(3), new Unique(1)], { onConflict: 'skip' });
      expect(await countJobs(other)).toBe(3);
    } finally {
      await client.stop();
    }
  },
);

describe('a role that may insert, and nothing else', () => {
  let role: string;
  let client: StartedClient;
  beforeAll(async () => {
    role = `${database.name}_role`;
    await queryAll(
      database,
      `create role "${role}";
       revoke all on all tables in schema public from public;
       revoke all on all functions in schema public from public;
       revoke all on database "${database.name}" from public;
       grant usage on schema public to "${role}";
       grant insert, select on river_job to "${role}";
       grant usage on sequence river_job_id_seq to "${role}";
       grant execute on function river_job_state_in_bitmask to "${role}"`,
    );
    client = await startClient({ database, dataSource: { extra: { options: `-c role=${role}` } } });
  });
  afterAll(async () => {
    await client.stop();
    await queryAll(database, `drop owned by "${role}"; drop role "${role}"`);
  });

  test('is enough; to leave duplicates out it needs temporary tables, too', async () => {
    await client.river.insertManyFast([new Unique(1), new Unique(2)]);
    const skip = (): Promise<unknown> =>
      client.river.insertManyFast([new Unique(2), new Unique(3)], { onConflict: 'skip' });
    await expect(skip()).rejects.toMatchObject({ code: 'RIVER_DATABASE', sqlState: '42501' });
    await queryAll(database, `grant temporary on database "${database.name}" to "${role}"`);
    expect(await skip()).toEqual({ inserted: 1, skipped: 1 });
  });
});

test('insertManyFast works without prepared statements, and twice on one connection', async () => {
  for (const preparedStatements of [true, false]) {
    const client = await startClient({
      database,
      dataSource: { max: 1 },
      river: { preparedStatements },
    });
    try {
      for (let round = 0; round < 3; round++) {
        const items = [new Unique(1), jobArgs('plain', {})];
        const { skipped } = await client.river.insertManyFast(items, { onConflict: 'skip' });
        expect(skipped).toBe(preparedStatements && round === 0 ? 0 : 1);
      }
    } finally {
      await client.stop();
    }
  }
});

test('a driver that is wrapped so that it does not take the stream fails the call alone', () =>
  withClient({}, async ({ river, dataSource }) => {
    // As instrumentation does that adds a comment to the text: a copy of the stream is a plain query.
    const { master } = dataSource.driver as unknown as { master: pg.Pool };
    master.on('acquire', (taken) => {
      const query = taken.query.bind(taken) as (config: object, ...rest: unknown[]) => unknown;
      Object.assign(taken, {
        query: (config: object, ...rest: unknown[]) =>
          query('submit' in config ? { ...config } : config, ...rest),
      });
    });
    await expect(river.insertManyFast([jobArgs('plain', {})])).rejects.toMatchObject({
      name: 'DatabaseError',
      retryable: false,
    });
    expect(await countJobs(database)).toBe(0);
    await river.insert(jobArgs('plain', {}));
    expect(await countJobs(database)).toBe(1);
  }));
