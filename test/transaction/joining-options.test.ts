import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager, QueryRunner } from 'typeorm';
import type { IsolationLevel, RiverTransactionOptions } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import {
  createTestDatabase,
  queryAll,
  spyStatements,
  type StatementSpy,
} from '../support/index.js';
import {
  CREATE_ORDERS,
  forget,
  NOTHING,
  OrderEntity,
  SendReceipt,
  startShop,
  stored,
} from './orders.js';

const LEVELS = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;
const DONE = 'done';

const refused = (field: string): unknown =>
  expect.objectContaining({ code: 'RIVER_INVALID_TRANSACTION', field });

/** What became of a call: its answer, or its error. */
const outcome = (answer: Promise<unknown>): Promise<unknown> =>
  answer.catch((error: unknown) => error);

/** Each way in which a call with options gets into a transaction that is open already. */
const ways: Record<
  string,
  (
    shop: StartedClient,
    options: RiverTransactionOptions,
    work: () => Promise<string>,
  ) => Promise<string>
> = {
  REQUIRED: ({ transaction }, options, work) => transaction.run(options, work),
  MANDATORY: ({ transaction }, options, work) =>
    transaction.run({ ...options, propagation: 'MANDATORY' }, work),
  SUPPORTS: ({ transaction }, options, work) =>
    transaction.run({ ...options, propagation: 'SUPPORTS' }, work),
  NESTED: ({ transaction }, options, work) =>
    transaction.run({ ...options, propagation: 'NESTED' }, work),
};

/** The same, for those that take a level only. */
const levelWays: Record<
  string,
  (shop: StartedClient, level: IsolationLevel, work: () => Promise<string>) => Promise<string>
> = {
  ...Object.fromEntries(
    Object.entries(ways).map(([name, way]) => [
      name,
      (shop: StartedClient, isolation: IsolationLevel, work: () => Promise<string>) =>
        way(shop, { isolation }, work),
    ]),
  ),
  'manager.transaction': ({ transaction }, level, work) =>
    transaction.manager.transaction(level, work),
  'dataSource.transaction': ({ dataSource }, level, work) => dataSource.transaction(level, work),
};

describe.each([
  { named: "the server's default", dataSource: {}, has: 'READ COMMITTED' },
  {
    named: 'the default of a session',
    dataSource: { extra: { options: '-c default_transaction_isolation=repeatable\\ read' } },
    has: 'REPEATABLE READ',
  },
  {
    named: 'READ UNCOMMITTED by a default',
    dataSource: { extra: { options: '-c default_transaction_isolation=read\\ uncommitted' } },
    has: 'READ COMMITTED',
  },
])('an isolation level where the transaction has $named', ({ dataSource, has }) => {
  let shop: StartedClient;
  beforeAll(async () => {
    shop = await startShop(dataSource);
  });
  afterAll(() => shop.stop());

  const isHonoured = (level: IsolationLevel): boolean =>
    level === has || (level === 'READ UNCOMMITTED' && has === 'READ COMMITTED');

  test.each(Object.entries(levelWays))(
    '%s takes that level and refuses others',
    async (_name, way) => {
      for (const level of LEVELS) {
        await shop.transaction.run(async () => {
          const inner = await outcome(way(shop, level, () => Promise.resolve(DONE)));
          expect(inner).toEqual(isHonoured(level) ? DONE : refused('isolation'));
        });
      }
    },
  );

  test.each(LEVELS)('an opener that names %s is compared with the name', async (level) => {
    await shop.transaction.run({ isolation: level }, async () => {
      for (const inner of LEVELS) {
        const isSame = inner === level || (/^READ/.test(inner) && /^READ/.test(level));
        const answer = outcome(shop.transaction.run({ isolation: inner }, () => DONE));
        expect(await answer).toEqual(isSame ? DONE : refused('isolation'));
      }
    });
  });

  test('a transaction that the application began by itself is asked, each time', async () => {
    const runner: QueryRunner = shop.dataSource.createQueryRunner();
    const inside = (isolation: IsolationLevel): Promise<unknown> =>
      outcome(shop.transaction.bind(runner, () => shop.transaction.run({ isolation }, () => DONE)));
    try {
      await runner.startTransaction();
      for (const level of LEVELS) {
        expect(await inside(level)).toEqual(isHonoured(level) ? DONE : refused('isolation'));
      }
      await runner.commitTransaction();
      await runner.startTransaction('SERIALIZABLE');
      expect(await inside('SERIALIZABLE')).toBe(DONE);
      await runner.commitTransaction();
    } finally {
      await runner.release();
    }
  });
});

test("an isolation level is compared with TypeORM's option `isolationLevel`", async () => {
  const shop = await startShop({ isolationLevel: 'SERIALIZABLE' });
  try {
    await shop.transaction.run(async (manager) => {
      const [row] = await manager.query<{ level: IsolationLevel }[]>(
        `select upper(current_setting('transaction_isolation')) as level`,
      );
      // Releases before 1.0 do not know the option.
      const level = row?.level ?? 'READ COMMITTED';
      expect(await shop.transaction.run({ isolation: level }, () => DONE)).toBe(DONE);
      const other = shop.transaction.run({ isolation: 'REPEATABLE READ' }, () => DONE);
      expect(await outcome(other)).toEqual(refused('isolation'));
    });
  } finally {
    await shop.stop();
  }
});

describe('the other options of the opener', () => {
  let shop: StartedClient;
  beforeAll(async () => {
    const options =
      '-c statement_timeout=4s -c lock_timeout=1500ms -c default_transaction_read_only=on';
    shop = await startShop({ database: await createTestDatabase(), extra: { options } });
  });
  afterAll(() => shop.stop());

  test.each(Object.entries(ways))(
    '%s takes what the session has by default',
    async (_name, way) => {
      const equal = [
        { readOnly: true },
        { statementTimeoutMs: 4_000 },
        { lockTimeoutMs: 1_500 },
        { unawaitedLimitMs: 5_000 },
        { isolation: 'READ COMMITTED', readOnly: true, statementTimeoutMs: 4_000 },
      ] as const;
      await shop.transaction.run(async () => {
        for (const options of equal) {
          expect(await outcome(way(shop, options, () => Promise.resolve(DONE)))).toBe(DONE);
        }
      });
    },
  );

  test.each(Object.entries(ways))('%s refuses what differs from it', async (_name, way) => {
    const different = [
      ['statementTimeoutMs', { statementTimeoutMs: 4_001 }],
      ['lockTimeoutMs', { readOnly: true, lockTimeoutMs: 1 }],
      ['unawaitedLimitMs', { unawaitedLimitMs: 1 }],
      ['trackOutcome', { trackOutcome: true }],
      ['afterEnd', { afterEnd: 'detach' }],
    ] as const;
    await shop.transaction.run(async () => {
      for (const [field, options] of different) {
        const inner = way(shop, options, () => Promise.resolve(DONE));
        expect(await outcome(inner)).toEqual(refused(field));
      }
    });
  });

  test('a time-out that was changed within the transaction is what counts', async () => {
    await shop.transaction.run(async (manager) => {
      const at = (statementTimeoutMs: number): Promise<unknown> =>
        outcome(shop.transaction.run({ statementTimeoutMs }, () => DONE));
      expect(await at(4_000)).toBe(DONE);
      await manager.query(`set local statement_timeout = '3s'`);
      expect(await at(4_000)).toEqual(refused('statementTimeoutMs'));
      expect(await at(3_000)).toBe(DONE);
    });
  });
});

describe('what it costs, and what a refusal changes', () => {
  let shop: StartedClient;
  let spy: StatementSpy;
  beforeAll(async () => {
    const database = await createTestDatabase();
    await queryAll(database, CREATE_ORDERS);
    spy = await spyStatements(database);
    shop = await startShop({ database: spy.database });
  });
  afterAll(async () => {
    await shop.stop();
    await spy.close();
  });

  const asked = async (work: (manager: EntityManager) => Promise<unknown>): Promise<number> => {
    const { statements } = await spy.during(() => shop.transaction.run(work));
    return statements.filter(({ sql }) => sql.includes('pg_settings')).length;
  };

  test('nothing is asked of the server without options, nor with those that the opener named', async () => {
    const { statements } = await spy.during(() =>
      shop.transaction.run({ isolation: 'SERIALIZABLE', statementTimeoutMs: 900 }, async () => {
        await shop.transaction.run(() => DONE);
        await shop.transaction.run({ isolation: 'SERIALIZABLE' }, () => DONE);
        await shop.transaction.run({ statementTimeoutMs: 900, timeoutMs: 800 }, () => DONE);
      }),
    );
    expect(statements.filter(({ sql }) => sql.includes('pg_settings'))).toEqual([]);
  });

  test('the level is asked for once in a transaction', async () => {
    const join = (): Promise<unknown> =>
      shop.transaction.run({ isolation: 'READ COMMITTED' }, () => DONE);
    const count = await asked(async (manager) => {
      await join();
      await shop.transaction.run({ propagation: 'NESTED' }, async () => {
        await join();
        await manager.transaction('READ COMMITTED', join);
      });
    });
    expect(count).toBe(1);
  });

  test('the work of a refused call does not run, and the transaction around it goes on', async () => {
    await shop.transaction.run(async (manager) => {
      for (const way of Object.values(levelWays)) {
        const inner = way(shop, 'SERIALIZABLE', async () => {
          await shop.river.insert(new SendReceipt('never'));
          return DONE;
        });
        expect(await outcome(inner)).toEqual(refused('isolation'));
      }
      await manager.save(OrderEntity, { item: 'stored' });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['stored'], jobs: 0 });
    await forget(shop.database);
  });

  test('a refused call that nobody awaits fails the transaction', async () => {
    for (const options of [{ isolation: 'SERIALIZABLE' }, { trackOutcome: true }] as const) {
      const answer = shop.transaction.run(async (manager) => {
        void shop.transaction.run(options, () => DONE);
        await manager.save(OrderEntity, { item: 'not stored' });
      });
      expect(await outcome(answer)).toEqual(refused(Object.keys(options)[0] ?? ''));
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});
