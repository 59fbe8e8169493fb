import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Column,
  DataSource,
  DeleteDateColumn,
  Entity,
  EntityManager,
  PrimaryGeneratedColumn,
  Repository,
} from 'typeorm';
import { RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { deadlock } from '../../lib/transaction/statements/unless-busy.js';
import { SendReceipt } from './orders.js';

@Entity('orders')
class Order {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text', unique: true })
  item!: string;

  @Column({ type: 'int', default: 0 })
  count!: number;

  @DeleteDateColumn()
  deletedAt!: Date | null;
}

/** As many applications write it. Made before any module of ours, like providers that come first. */
class Orders extends Repository<Order> {
  constructor(source: DataSource) {
    super(Order, source.createEntityManager());
  }
}

let database: TestDatabase;
let dataSource: DataSource;
let early: { orders: Orders; manager: EntityManager };
let module: TestingModule;
let river: RiverClient;
let transaction: RiverTransaction;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [Order] });
  await dataSource.initialize();
  await dataSource.synchronize();
  early = { orders: new Orders(dataSource), manager: new EntityManager(dataSource) };
  module = await Test.createTestingModule({
    imports: [RiverModule.forRoot({ dataSource, notify: false })],
  }).compile();
  await module.init();
  [river, transaction] = [module.get(RiverClient), module.get(RiverTransaction)];
});
afterEach(() =>
  queryAll(
    database,
    `delete from orders; delete from river_job; select setval('orders_id_seq', 1, false)`,
  ),
);
afterAll(async () => {
  await module.close();
  await dataSource.destroy();
});

class Rollback extends Error {}

/** What anybody else sees: orders with their counts, those soft-deleted in brackets, and jobs. */
async function stored(): Promise<string> {
  const orders = await queryAll<{ text: string }>(
    database,
    `select case when "deletedAt" is null then item || count else '(' || item || ')' end as text
     from orders order by item`,
  );
  const jobs = await queryAll(database, 'select 1 from river_job');
  return [...orders.map(({ text }) => text), `${jobs.length} jobs`].join(' ');
}

/** Each changes the order `a`, and what is then stored. */
const CHANGES: Record<string, [(on: Repository<Order>) => Promise<unknown>, string]> = {
  'update by id': [(on) => on.update(1, { count: 7 }), 'a7'],
  'update by criteria': [(on) => on.update({ item: 'a' }, { count: 7 }), 'a7'],
  'delete by id': [(on) => on.delete(1), ''],
  'delete by criteria': [(on) => on.delete({ item: 'a' }), ''],
  softDelete: [(on) => on.softDelete({ item: 'a' }), '(a)'],
  'softDelete and restore': [
    async (on) => {
      await on.softDelete(1);
      await on.restore(1);
    },
    'a0',
  ],
  increment: [(on) => on.increment({ id: 1 }, 'count', 3), 'a3'],
  decrement: [(on) => on.decrement({ id: 1 }, 'count', 3), 'a-3'],
  save: [(on) => on.save({ id: 1, count: 7 }), 'a7'],
  insert: [(on) => on.insert({ item: 'b' }), 'a0 b0'],
  upsert: [(on) => on.upsert({ item: 'a', count: 7 }, ['item']), 'a7'],
  'find and remove': [async (on) => await on.remove(await on.findBy({ item: 'a' })), ''],
  'find and softRemove': [async (on) => await on.softRemove(await on.findBy({ item: 'a' })), '(a)'],
  'a query builder': [
    (on) => on.createQueryBuilder().update().set({ count: 7 }).where({ item: 'a' }).execute(),
    'a7',
  ],
  query: [(on) => on.query(`update orders set count = 7 where item = 'a'`), 'a7'],
  'update, then save of the same row': [
    async (on) => {
      await on.update(1, { count: 7 });
      await on.save({ id: 1, count: 8 });
    },
    'a8',
  ],
  'a nested transaction of its manager': [
    (on) => on.manager.transaction((nested) => nested.update(Order, 1, { count: 7 })),
    'a7',
  ],
};

/** Repositories as an application comes by them. */
const REPOSITORIES: Record<string, () => Repository<Order>> = {
  'an injected repository': () => dataSource.getRepository(Order),
  'a custom repository': () => new Orders(dataSource),
  'a custom repository made before the module': () => early.orders,
  'a repository of an entity manager made before the module': () =>
    early.manager.getRepository(Order),
  'a repository of the manager that run() passes': () => transaction.manager.getRepository(Order),
};

/** Ways to open a transaction, which hand `work` the moment to fail. */
const OPENERS: Record<string, (work: () => Promise<void>) => Promise<void>> = {
  'RiverTransaction.run': (work) => transaction.run(work),
  'dataSource.transaction': (work) => dataSource.transaction(work),
  'dataSource.transaction with a level': (work) => dataSource.transaction('SERIALIZABLE', work),
  'dataSource.manager.transaction': (work) => dataSource.manager.transaction(work),
  'the transaction of a custom repository': (work) => early.orders.manager.transaction(work),
  'the transaction of new EntityManager(dataSource)': (work) => early.manager.transaction(work),
};

/** Every way to open a transaction with one repository, and every repository with one way. */
const PAIRS = [
  ...Object.keys(OPENERS).map((opener) => [opener, 'a custom repository']),
  ...Object.keys(REPOSITORIES).map((kind) => ['RiverTransaction.run', kind]),
] as [opener: string, kind: string][];

describe.each(PAIRS)('in %s, with %s', (opener, kind) => {
  const open = OPENERS[opener] as (work: () => Promise<void>) => Promise<void>;
  const repository = (): Repository<Order> => (REPOSITORIES[kind] as () => Repository<Order>)();

  test.each(Object.keys(CHANGES))('%s commits and rolls back with its job', async (name) => {
    const [change, after] = CHANGES[name] as (typeof CHANGES)[string];
    await queryAll(database, `insert into orders (item) values ('a')`);
    const work = async (): Promise<void> => {
      await change(repository());
      await river.insert(new SendReceipt('a'));
    };
    const failing = async (): Promise<void> => {
      await work();
      throw new Rollback();
    };
    await expect(open(failing)).rejects.toBeInstanceOf(Rollback);
    expect(await stored()).toBe('a0 0 jobs');
    await open(work);
    expect(await stored()).toBe(`${after} 1 jobs`.trim());
  });
});

test('a repository made by a manager inside a transaction works after it', async () => {
  const orders = await transaction.run(() => dataSource.manager.getRepository(Order));
  await orders.save({ item: 'a' });
  expect(await stored()).toBe('a0 0 jobs');
});

describe("the application's own dataSource.transaction", () => {
  test('has the isolation level that was asked for', async () => {
    const level = (manager: EntityManager): Promise<unknown> =>
      manager.query('show transaction_isolation');
    expect(await dataSource.transaction('REPEATABLE READ', level)).toEqual([
      { transaction_isolation: 'repeatable read' },
    ]);
    expect(await dataSource.transaction(level)).toEqual([
      { transaction_isolation: 'read committed' },
    ]);
  });

  test('is rejected when a statement failed and its error was caught', async () => {
    const commit = dataSource.transaction(async (manager) => {
      await manager.insert(Order, { item: 'a' });
      await manager.insert(Order, { item: 'a' }).catch(() => undefined);
    });
    await expect(commit).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ROLLED_BACK' });
    expect(await stored()).toBe('0 jobs');
  });

  test('waits for a job that was not awaited', async () => {
    await dataSource.transaction(async (manager) => {
      await manager.insert(Order, { item: 'a' });
      void river.insert(new SendReceipt('a'));
    });
    expect(await stored()).toBe('a0 1 jobs');
  });

  test('is rejected by TypeORM when it has no callback', async () => {
    const { manager } = dataSource as unknown as {
      manager: { transaction(level: string): Promise<void> };
    };
    await expect(manager.transaction('SERIALIZABLE')).rejects.toThrow(/requires callback/);
  });

  test('is rejected by TypeORM when it has an unknown isolation level', async () => {
    const level = 'SNAPSHOT' as 'SERIALIZABLE';
    const work = (): Promise<void> => Promise.resolve();
    await expect(dataSource.transaction(level, work)).rejects.toThrow(/is not supported/);
  });

  test('passes the error of its callback on unchanged', async () => {
    const error = new Error('mine');
    await expect(dataSource.transaction(() => Promise.reject(error))).rejects.toBe(error);
  });

  test('inside another one is a savepoint of it', async () => {
    await dataSource.transaction(async (outer) => {
      await outer.insert(Order, { item: 'a' });
      const inner = dataSource.transaction(async (manager) => {
        await manager.insert(Order, { item: 'b' });
        await river.insert(new SendReceipt('b'));
        throw new Rollback();
      });
      await expect(inner).rejects.toBeInstanceOf(Rollback);
      await river.insert(new SendReceipt('a'));
    });
    expect(await stored()).toBe('a0 1 jobs');
  });

  test('leaves a transaction opened by hand on a query runner to the caller', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      await runner.manager.insert(Order, { item: 'a' });
      await river.insert(new SendReceipt('outside'));
      await runner.rollbackTransaction();
    } finally {
      await runner.release();
    }
    expect(await stored()).toBe('1 jobs');
  });
});

describe.each([false, true])('queryRunner.manager.transaction, in one by hand: %s', (byHand) => {
  const within = async (end: () => void): Promise<void> => {
    const runner = dataSource.createQueryRunner();
    try {
      if (byHand) await runner.startTransaction();
      await runner.manager.transaction(async (manager) => {
        await manager.insert(Order, { item: 'a' });
        await early.orders.save({ item: 'b' });
        await river.insert(new SendReceipt('a'));
        end();
      });
      if (byHand) await runner.commitTransaction();
    } finally {
      if (runner.isTransactionActive) await runner.rollbackTransaction();
      await runner.release();
    }
  };

  test('inserts and repositories in it join', async () => {
    await within(() => undefined);
    expect(await stored()).toBe('a0 b0 1 jobs');
  });

  test('nothing of it is left after an error', async () => {
    const error = new Error('mine');
    const failed = within(() => {
      throw error;
    });
    await expect(failed).rejects.toBe(error);
    expect(await stored()).toBe('0 jobs');
  });
});

describe('a stream', () => {
  const { limitMs } = deadlock;
  afterEach(() => void (deadlock.limitMs = limitMs));

  test.each(['each row', 'no row'])(
    'is closed with an error when a statement is awaited before %s is read',
    async (read) => {
      await queryAll(
        database,
        `insert into orders (item) select 'item ' || n from generate_series(1, 1000) n`,
      );
      deadlock.limitMs = 500;
      const stuck = transaction.run(async (manager) => {
        const stream = await manager.createQueryBuilder(Order, 'o').stream();
        if (read === 'no row') return await river.insert(new SendReceipt('unread'));
        for await (const _row of stream) await river.insert(new SendReceipt('read'));
      });
      await expect(stuck).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_SCOPE_BUSY' });
      expect(await queryAll(database, 'select 1 from river_job')).toEqual([]);
    },
  );

  test('is read in a transaction, and statements asked for meanwhile follow it', async () => {
    await queryAll(
      database,
      `insert into orders (item) select 'item ' || n from generate_series(1, 1000) n`,
    );
    const read = await dataSource.transaction(async (manager) => {
      const stream = await manager.createQueryBuilder(Order, 'o').orderBy('o.id').stream();
      const counted = manager.count(Order);
      let rows = 0;
      for await (const _row of stream) rows++;
      await river.insert(new SendReceipt('read'));
      return [rows, await counted];
    });
    expect(read).toEqual([1000, 1000]);
    expect((await queryAll(database, 'select 1 from river_job')).length).toBe(1);
  });

  test('that is closed before its end lets the transaction go on', async () => {
    await queryAll(
      database,
      `insert into orders (item) select 'item ' || n from generate_series(1, 1000) n`,
    );
    await transaction.run(async (manager) => {
      const stream = await manager.createQueryBuilder(Order, 'o').stream();
      for await (const _row of stream) break;
      await river.insert(new SendReceipt('first'));
    });
    expect((await queryAll(database, 'select 1 from river_job')).length).toBe(1);
  });

  test('that is returned unread fails its transaction, whose error says what to do', async () => {
    await queryAll(
      database,
      `insert into orders (item) select 'item ' || n from generate_series(1, 1000) n`,
    );
    const unread = transaction.run({ unawaitedLimitMs: 50 }, async (manager) => {
      await river.insert(new SendReceipt('unread'));
      return await manager.createQueryBuilder(Order, 'o').stream();
    });
    await expect(unread).rejects.toMatchObject({
      code: 'RIVER_TRANSACTION_UNFINISHED',
      message: expect.stringContaining('Read a stream to its end'),
    });
    expect(await queryAll(database, 'select 1 from river_job')).toEqual([]);
  });

  test('whose query fails rejects, and the transaction is rolled back', async () => {
    const failed = transaction.run(async () => {
      await river.insert(new SendReceipt('a'));
      const stream = await transaction.queryRunner.stream('select 1 / 0');
      for await (const _row of stream) continue;
    });
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    expect(await stored()).toBe('0 jobs');
  });
});
