import { AsyncResource } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  CommitOutcomeUnknownError,
  DatabaseError,
  InsertItemsError,
  JobArgs,
  jobArgs,
  TransactionEndedError,
  type InsertManyFastOptions,
  type RiverClient,
  type RiverTransaction,
  type Transaction,
} from 'nestjs-river';
import { allowWarning, connect, queryAll, type StatementSpy } from '../support/index.js';
import { openCommitProxy } from '../transaction/commit-proxy.mjs';
import {
  countJobs,
  startClient,
  storedJobs,
  startSpiedClient,
  type SpiedClient,
} from './started-client.js';

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(readonly id: number) {}
}

// On a connection of the application's own, its statements meet ours in the driver's queue.
allowWarning(/^Calling client\.query\(\) when the client is already executing a query/);

let spy: StatementSpy;
let client: SpiedClient;
let river: RiverClient;
let transaction: RiverTransaction;
beforeAll(async () => {
  client = await startSpiedClient();
  ({ river, spy, transaction } = client);
});
afterEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(() => client.stop());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const job = (id: number): object => jobArgs('plain', { id });
const jobs = (count: number): object[] => Array.from({ length: count }, (_, id) => job(id));
const unique = (...numbers: number[]): Unique[] => numbers.map((id) => new Unique(id));
const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

type Insert = (items: Iterable<object>, opts?: InsertManyFastOptions) => Promise<unknown>;
/** What the work is given: the insert, and a statement on the same connection. */
type Work = (insert: Insert, query: (sql: string) => Promise<unknown>) => Promise<unknown>;

/** Opens a transaction, and commits it unless the work throws. */
const ways: Record<string, (work: Work) => Promise<unknown>> = {
  'the running one': (work) =>
    transaction.run((manager) =>
      work(
        (items, opts) => river.insertManyFast(items, opts),
        (sql) => manager.query(sql),
      ),
    ),
  'an EntityManager': (work) =>
    client.dataSource.transaction((manager) => work(given(manager), (sql) => manager.query(sql))),
  'a QueryRunner': async (work) => {
    const queryRunner = client.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    try {
      await work(given(queryRunner), (sql) => queryRunner.query(sql));
      await queryRunner.commitTransaction();
    } finally {
      if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
      await queryRunner.release();
    }
  },
  'a pg client': async (work) => {
    const tx: pg.Client = await connect(client.database);
    try {
      await tx.query('begin');
      await work(given(tx), (sql) => tx.query(sql));
      await tx.query('commit');
    } finally {
      await tx.end();
    }
  },
};

function given(tx: Transaction): Insert {
  return (items, opts) => river.insertManyFastTx(tx, items, opts);
}

describe.each(Object.entries(ways))('in a transaction given as %s', (name, within) => {
  test('insertManyFast is committed and rolled back with it', async () => {
    await within(async (insert) => {
      expect(await insert(jobs(3_000))).toEqual({ inserted: 3_000, skipped: 0 });
      expect(await countJobs(client.database)).toBe(0);
    });
    expect(await countJobs(client.database)).toBe(3_000);

    const rolledBack = within(async (insert) => {
      await insert(jobs(3_000));
      await insert(unique(1), { onConflict: 'skip' });
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    expect(await countJobs(client.database)).toBe(3_000);
  });

  test('several calls run one after the other, with statements between them and at the same time', async () => {
    await within(async (insert, query) => {
      await insert(unique(1, 2), { onConflict: 'skip' });
      // Of statements that the application itself sends at the same time, pg warns.
      const meanwhile = (sql: string): unknown => name === 'the running one' && query(sql);
      await query('select 0');
      const answers = await Promise.all([
        insert(unique(2, 3), { onConflict: 'skip' }),
        meanwhile('select 1'),
        insert(jobs(2_000)),
        insert(unique(3, 4), { onConflict: 'skip' }),
        meanwhile('select 2'),
      ]);
      expect([answers[0], answers[2], answers[3]]).toEqual([
        { inserted: 1, skipped: 1 },
        { inserted: 2_000, skipped: 0 },
        { inserted: 1, skipped: 1 },
      ]);
    });
    expect(await countJobs(client.database)).toBe(2_004);
  });

  test('a job refused among the first leaves it usable, a later one has aborted it', async () => {
    const bad = jobArgs('bad', { id: Number.NaN });
    await within(async (insert) => {
      for (const onConflict of ['fail', 'skip', 'skip'] as const) {
        const error = await failure(insert([job(1), bad], { onConflict }));
        expect(error).toMatchObject({ index: 1, field: 'args.id' });
      }
      await insert([job(2)], { onConflict: 'skip' });
    });
    expect(await storedJobs(client.database)).toMatchObject([{ args: { id: 2 } }]);

    await failure(
      within(async (insert, query) => {
        expect(await failure(insert([...jobs(10_000), bad]))).toMatchObject({ index: 10_000 });
        await expect(query('select 1')).rejects.toMatchObject({ code: '25P02' });
        expect(await failure(insert(jobs(1)))).toBeInstanceOf(DatabaseError);
      }),
    );
    expect(await countJobs(client.database)).toBe(1);
  });

  test('a conflict aborts it, and is told by its own error', async () => {
    await river.insert(new Unique(1));
    const failed = within((insert) => insert(unique(0, 1)));
    expect(await failure(failed)).toMatchObject({ code: 'RIVER_UNIQUE_CONFLICT', index: 1 });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('items that wait for a statement of the same transaction reject the call', async () => {
    const error = await failure(
      within(async (insert, query) => {
        const waiting = (async function* () {
          // More than is read before the COPY begins.
          yield* jobs(2_000);
          await query('select 1');
          yield job(2_000);
        })();
        await insert(waiting as unknown as Iterable<object>);
      }),
    );
    expect(error).toBeInstanceOf(InsertItemsError);
    expect(error).toMatchObject({ code: 'RIVER_ITEMS_FAILED', index: 2_000 });
    expect((error as Error).message).toContain('read the items before');
    expect(await countJobs(client.database)).toBe(0);
  });
});

describe('in a transaction of ours', () => {
  test('no other statement is sent between the first and the last row', async () => {
    const sent = await spy.during(() =>
      transaction.run(async (manager) => {
        await Promise.all([
          river.insertManyFast(jobs(5_000)),
          manager.query('select 1'),
          river.insert(job(1)),
          river.insertManyFast(unique(1), { onConflict: 'skip' }),
          manager.query('select 2'),
        ]);
      }),
    );
    const verbs = sent.statements.map(({ sql }) => sql.replace(/^(\w+ \S+)[^]*/, '$1'));
    const skip = [
      'CREATE TEMPORARY',
      'COPY pg_temp.river_staged_job',
      'WITH inserted',
      'DROP TABLE',
    ];
    const start = verbs.indexOf('CREATE TEMPORARY');
    expect(verbs.slice(start, start + 4)).toEqual(skip);
    expect(new Set(sent.statements.map(({ connection }) => connection)).size).toBe(1);
    expect(await countJobs(client.database)).toBe(5_002);
  });

  test('a call that nobody awaits is waited for, and its failure fails the transaction', async () => {
    await transaction.run(() => {
      void river.insertManyFast(jobs(5_000));
    });
    expect(await countJobs(client.database)).toBe(5_000);

    const failing = transaction.run(() => {
      void river.insertManyFast([...jobs(5_000), jobArgs('bad', { id: Number.NaN })]);
    });
    expect(await failure(failing)).toMatchObject({ name: 'InvalidJobError', index: 5_000 });
    expect(await countJobs(client.database)).toBe(5_000);
  });

  /** One item, then none for ever. */
  const stuck = {
    async *[Symbol.asyncIterator]() {
      yield job(1);
      await new Promise(() => undefined);
    },
  };

  test('a rollback does not wait for items that nobody awaits', async () => {
    const failed = transaction.run(async () => {
      void river.insertManyFast(stuck);
      await pause(50);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await expect(
      transaction.run({ unawaitedLimitMs: 100 }, () => void river.insertManyFast(stuck)),
    ).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_UNFINISHED' });
    await expect(
      transaction.run({ timeoutMs: 100 }, () => river.insertManyFast(stuck)),
    ).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ABORTED' });
    expect(await countJobs(client.database)).toBe(0);
  });

  test("a rollback of the application's own transaction does not wait for them either", async () => {
    const failed = client.dataSource.transaction(async (manager) => {
      river.insertManyFastTx(manager, stuck).catch(() => undefined);
      await pause(50);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await countJobs(client.database)).toBe(0);
  });

  test('insertManyFast after its end is rejected', async () => {
    let late: () => Promise<unknown> = () => Promise.resolve();
    await transaction.run(() => {
      late = AsyncResource.bind(() => river.insertManyFast(jobs(1)));
    });
    expect(await failure(late())).toBeInstanceOf(TransactionEndedError);
    expect(await countJobs(client.database)).toBe(0);
  });

  test('a savepoint around it keeps the rest usable', async () => {
    await transaction.run(async () => {
      await river.insert(job(1));
      const nested = transaction.run({ propagation: 'NESTED' }, () =>
        river.insertManyFast([...jobs(10_000), jobArgs('bad', { id: Number.NaN })]),
      );
      expect(await failure(nested)).toMatchObject({ index: 10_000 });
      await river.insertManyFast(jobs(2), { onConflict: 'skip' });
    });
    expect(await countJobs(client.database)).toBe(3);
  });

  test('transaction.outside() inserts on a connection of its own, whatever becomes of it', async () => {
    const rolledBack = transaction.run(async () => {
      await transaction.outside(() => river.insertManyFast(jobs(3)));
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    expect(await countJobs(client.database)).toBe(3);
  });

  test('items may be read by transaction.outside() while they are inserted', async () => {
    await queryAll(client.database, 'create table source as select generate_series(1, 3) as id');
    await transaction.run(async () => {
      const outside = (async function* () {
        const rows = await transaction.outside(() =>
          client.dataSource.query<{ id: number }[]>('select id from source order by id'),
        );
        for (const { id } of rows) yield job(id);
      })();
      await river.insertManyFast(outside);
    });
    expect(await countJobs(client.database)).toBe(3);
  });

  test('a lost COMMIT of it can be resolved by asking the server', async () => {
    const proxy = await openCommitProxy(client.database.url);
    const cut = await startClient({ database: { ...client.database, url: proxy.url } });
    try {
      proxy.cutNext('after');
      const error = await failure(cut.transaction.run(() => cut.river.insertManyFast(jobs(3))));
      expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
      expect(await (error as CommitOutcomeUnknownError).resolve()).toBe('committed');
    } finally {
      await cut.stop();
      await proxy.close();
    }
    expect(await countJobs(client.database)).toBe(3);
  });
});
