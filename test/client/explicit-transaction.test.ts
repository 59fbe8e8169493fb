import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import {
  InvalidJobError,
  JobArgs,
  jobArgs,
  NotInTransactionError,
  RiverTransactionError,
  TransactionEndedError,
  type InsertOptions,
  type RiverClient,
  type Transaction,
} from 'nestjs-river';
import { connect, createDataSource, createTestDatabase, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: string[] = []) {}
}

/** Opens a transaction, hands out what is to be given as `tx`, and ends it as told. */
type InTransaction = (
  work: (tx: Transaction) => Promise<unknown>,
  end: 'commit' | 'rollback',
) => Promise<void>;

let client: StartedClient;
let river: RiverClient;
let dataSource: DataSource;

beforeAll(async () => {
  client = await startClient();
  ({ river, dataSource } = client);
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

const kinds: Record<string, InTransaction> = {
  'an EntityManager': async (work, end) => {
    const transaction = dataSource.transaction(async (manager) => {
      await work(manager);
      if (end === 'rollback') throw new Error('rolled back');
    });
    await transaction.catch((error: Error) => expect(error.message).toBe('rolled back'));
  },
  'a QueryRunner': async (work, end) => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await work(queryRunner);
      await (end === 'commit'
        ? queryRunner.commitTransaction()
        : queryRunner.rollbackTransaction());
    } finally {
      if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
      await queryRunner.release();
    }
  },
  'a pg client': async (work, end) => {
    const tx = await connect(client.database);
    try {
      await tx.query('begin');
      await work(tx);
      await tx.query(end);
    } finally {
      await tx.end();
    }
  },
  'a client of a pg pool': async (work, end) => {
    const pool = new pg.Pool({ connectionString: client.database.url });
    const tx = await pool.connect();
    try {
      await tx.query('begin');
      await work(tx);
      await tx.query(end);
    } finally {
      tx.release(true);
      await pool.end();
    }
  },
};

/** @returns the most statements that were with the driver at the same time so far */
async function countInFlight(tx: Transaction): Promise<() => number> {
  const runner = 'queryRunner' in tx ? tx.queryRunner : 'connect' in tx ? tx : undefined;
  const raw = (runner && !(runner instanceof pg.Client) ? await runner.connect() : tx) as pg.Client;
  const query = raw.query.bind(raw) as (...args: unknown[]) => Promise<unknown>;
  let [now, most] = [0, 0];
  Object.assign(raw, {
    query: async (...args: unknown[]) => {
      most = Math.max(most, ++now);
      try {
        return await query(...args);
      } finally {
        now--;
      }
    },
  });
  return () => {
    Object.assign(raw, { query });
    return most;
  };
}

describe.each(Object.entries(kinds))('insertTx with %s', (_what, inTransaction) => {
  test('is stored with the commit, not before it', async () => {
    await inTransaction(async (tx) => {
      await river.insertTx(tx, new SortArgs(['a']));
      await river.insertManyTx(tx, [new SortArgs(['b']), jobArgs('c', {})]);
      expect(await countJobs(client.database)).toBe(0);
    }, 'commit');
    expect(await countJobs(client.database)).toBe(3);
  });

  test('is gone with the rollback', async () => {
    await inTransaction(async (tx) => {
      await river.insertTx(tx, new SortArgs(['a']));
      await river.insertManyTx(tx, [new SortArgs(['b']), jobArgs('c', {})]);
    }, 'rollback');
    expect(await countJobs(client.database)).toBe(0);
  });

  test('sees the unique jobs of its own transaction', async () => {
    await inTransaction(async (tx) => {
      const opts = { uniqueOpts: { byArgs: true } };
      const first = await river.insertTx(tx, new SortArgs(['unique']), opts);
      const second = await river.insertTx(tx, new SortArgs(['unique']), opts);
      expect(second).toMatchObject({
        uniqueSkippedAsDuplicated: true,
        job: { id: first.job.id },
      });
    }, 'commit');
    expect(await countJobs(client.database)).toBe(1);
  });

  test('sends inserts that were asked for together one after the other', async () => {
    await inTransaction(async (tx) => {
      const inFlight = await countInFlight(tx);
      await Promise.all(['a', 'b', 'c'].map((text) => river.insertTx(tx, new SortArgs([text]))));
      expect(inFlight()).toBe(1);
    }, 'commit');
    expect(await countJobs(client.database)).toBe(3);
  });

  test('leaves it usable when the job is refused', async () => {
    await inTransaction(async (tx) => {
      const refused: InsertOptions<SortArgs>[] = [
        { priority: 0 },
        { maxAttempts: 32768 },
        { queue: '' },
        { tags: ['-'] },
        { metadata: [] },
        { scheduledAt: new Date(Number.NaN) },
        { uniqueOpts: { byState: ['available'], excludeKind: true } },
      ];
      for (const opts of refused) {
        await expect(river.insertTx(tx, new SortArgs(), opts)).rejects.toThrow(InvalidJobError);
      }
      for (const text of ['nul \0', 'lone surrogate \ud800']) {
        await expect(river.insertTx(tx, new SortArgs([text]))).rejects.toThrow(InvalidJobError);
      }
      await river.insertTx(tx, new SortArgs(['after all refusals']));
    }, 'commit');
    expect(await countJobs(client.database)).toBe(1);
  });

  test('says that it failed earlier when it has', async () => {
    await inTransaction(async (tx) => {
      const failing = 'query' in tx ? (tx as pg.Client).query('select 1/0') : undefined;
      await expect(failing).rejects.toThrow('division by zero');
      await expect(river.insertTx(tx, new SortArgs())).rejects.toMatchObject({
        name: 'DatabaseError',
        sqlState: '25P02',
        retryable: false,
      });
    }, 'rollback');
  });
});

describe('insertTx refuses', () => {
  const refusal = (tx: unknown) =>
    river.insertTx(tx as Transaction, new SortArgs()).catch((error: unknown) => error);

  test('the manager of the data source, which is in no transaction, and names insert()', async () => {
    const error = await refusal(dataSource.manager);
    expect(error).toBeInstanceOf(NotInTransactionError);
    expect(error).toMatchObject({
      code: 'RIVER_NOT_IN_TRANSACTION',
      message: expect.stringContaining('Use insert()') as unknown,
    });
    await expect(river.insertManyTx(dataSource.manager, [new SortArgs()])).rejects.toThrow(
      NotInTransactionError,
    );
  });

  test('a query runner before its transaction, after it, and once released', async () => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      expect(await refusal(queryRunner)).toBeInstanceOf(NotInTransactionError);
      expect(await refusal(queryRunner.manager)).toBeInstanceOf(NotInTransactionError);
      await queryRunner.startTransaction();
      await queryRunner.commitTransaction();
      expect(await refusal(queryRunner)).toBeInstanceOf(NotInTransactionError);
    } finally {
      await queryRunner.release();
    }
    expect(await refusal(queryRunner)).toBeInstanceOf(NotInTransactionError);
  });

  test('a query runner whose transaction was ended by a statement', async () => {
    const queryRunner = dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await queryRunner.query('commit');
      expect(await refusal(queryRunner)).toBeInstanceOf(NotInTransactionError);
      await queryRunner.rollbackTransaction();
    } finally {
      await queryRunner.release();
    }
  });

  test('the manager of a transaction that has ended', async () => {
    const ended = await dataSource.transaction(async (manager) => manager);
    expect(await refusal(ended)).toBeInstanceOf(TransactionEndedError);
    const ours = await client.transaction.run((manager) => manager);
    expect(await refusal(ours)).toBeInstanceOf(TransactionEndedError);
  });

  test('a pg client before BEGIN and after COMMIT', async () => {
    const tx = await connect(client.database);
    try {
      expect(await refusal(tx)).toBeInstanceOf(NotInTransactionError);
      await tx.query('begin');
      await tx.query('commit');
      expect(await refusal(tx)).toBeInstanceOf(NotInTransactionError);
    } finally {
      await tx.end();
    }
  });

  test('a pg pool, which has no transaction of its own', async () => {
    const pool = new pg.Pool({ connectionString: client.database.url });
    expect(await refusal(pool)).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION', field: 'tx' });
    await pool.end();
  });

  test("another data source's manager and query runner", async () => {
    const other = await createDataSource(await createTestDatabase());
    try {
      await other.transaction(async (manager) => {
        for (const tx of [manager, manager.queryRunner]) {
          const error = await refusal(tx);
          expect(error).toBeInstanceOf(RiverTransactionError);
          expect(error).toMatchObject({ code: 'RIVER_OTHER_DATA_SOURCE', field: 'tx' });
        }
      });
    } finally {
      await other.destroy();
    }
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'tx'],
    ['a number', 1],
    ['an object', {}],
    ['the args', new SortArgs()],
    ['a function', () => undefined],
    ['a promise', Promise.resolve()],
  ])('%s', async (_what, tx) => {
    const error = await refusal(tx);
    expect(error).toBeInstanceOf(RiverTransactionError);
    expect(error).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION', field: 'tx' });
  });

  test('a job before it looks at the transaction', async () => {
    const opts = { priority: 9 };
    await expect(river.insertTx(dataSource.manager, new SortArgs(), opts)).rejects.toMatchObject({
      code: 'RIVER_INVALID_OPTION',
    });
  });
});
