import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  BaseEntity,
  Column,
  DataSource,
  Entity,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  Tree,
  TreeChildren,
  TreeParent,
  type EntityManager,
  type EntitySubscriberInterface,
  type InsertEvent,
  type Repository,
} from 'typeorm';
import {
  RiverClient,
  RiverModule,
  RiverTransaction,
  TransactionEndedError,
  type RiverModuleOptions,
} from 'nestjs-river';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { SendReceipt } from './orders.js';

@Entity('orders')
class Order extends BaseEntity {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text', unique: true })
  item!: string;

  @OneToMany(() => Line, (line) => line.order)
  lines!: Promise<Line[]>;
}

@Entity('lines')
class Line {
  @PrimaryGeneratedColumn()
  id!: number;

  @ManyToOne(() => Order, (order) => order.lines)
  order!: Promise<Order>;
}

@Entity('categories')
@Tree('closure-table')
class Category {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text' })
  name!: string;

  @TreeChildren()
  children!: Category[];

  @TreeParent()
  parent!: Category | null;
}

const ENTITIES = [Order, Line, Category];

let database: TestDatabase;
let dataSource: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await connect();
  await dataSource.synchronize();
});
afterEach(() =>
  queryAll(
    database,
    `delete from lines; delete from orders; delete from categories_closure; delete from categories;
     delete from river_job`,
  ),
);
afterAll(() => dataSource.destroy());

function connect(options: object = { url: database.url }): Promise<DataSource> {
  return new DataSource({ type: 'postgres', entities: ENTITIES, ...options }).initialize();
}

interface Started {
  readonly river: RiverClient;
  readonly transaction: RiverTransaction;
  readonly stop: () => Promise<void>;
}

async function start(on: DataSource, options: RiverModuleOptions = {}): Promise<Started> {
  const module = await Test.createTestingModule({
    imports: [RiverModule.forRoot({ ...options, dataSource: on })],
  }).compile();
  const app = await module.init();
  return {
    river: app.get(RiverClient),
    transaction: app.get(RiverTransaction),
    stop: () => app.close(),
  };
}

const items = async (): Promise<string[]> =>
  (await queryAll<Order>(database, 'select item from orders order by id')).map(({ item }) => item);

class Rollback extends Error {}

/** Runs work in a transaction that is rolled back, and gives its answer. */
async function rolledBack<T>(transaction: RiverTransaction, work: () => Promise<T>): Promise<T> {
  let answer: T | undefined;
  const run = transaction.run(async () => {
    answer = await work();
    throw new Rollback();
  });
  await expect(run).rejects.toBeInstanceOf(Rollback);
  return answer as T;
}

/** Ways to store an order called `a`, given what an application has at hand. */
const WRITES: Record<
  string,
  (on: { repository: Repository<Order>; manager: EntityManager }) => Promise<unknown>
> = {
  'repository.save': ({ repository }) => repository.save({ item: 'a' }),
  'repository.insert': ({ repository }) => repository.insert({ item: 'a' }),
  'repository.upsert': ({ repository }) => repository.upsert({ item: 'a' }, ['item']),
  'repository.query': ({ repository }) =>
    repository.query(`insert into orders (item) values ('a')`),
  'repository.manager.save': ({ repository }) => repository.manager.save(Order, { item: 'a' }),
  'repository.createQueryBuilder': ({ repository }) =>
    repository.createQueryBuilder().insert().values({ item: 'a' }).execute(),
  'repository.extend': ({ repository }) =>
    repository
      .extend({
        place(this: Repository<Order>) {
          return this.save({ item: 'a' });
        },
      })
      .place(),
  'manager.save': ({ manager }) => manager.save(Order, { item: 'a' }),
  'manager.insert': ({ manager }) => manager.insert(Order, { item: 'a' }),
  'manager.query': ({ manager }) => manager.query(`insert into orders (item) values ('a')`),
  'manager.createQueryBuilder': ({ manager }) =>
    manager.createQueryBuilder().insert().into(Order).values({ item: 'a' }).execute(),
  'manager.getRepository': ({ manager }) => manager.getRepository(Order).save({ item: 'a' }),
  'manager.withRepository': ({ manager, repository }) =>
    manager.withRepository(repository).save({ item: 'a' }),
  'manager.transaction': ({ manager }) =>
    manager.transaction((nested) => nested.save(Order, { item: 'a' })),
  'active record, save': () => Order.create({ item: 'a' }).save(),
  'active record, insert': () => Order.insert({ item: 'a' }),
  'active record, query builder': () =>
    Order.createQueryBuilder().insert().values({ item: 'a' }).execute(),
  'dataSource.query': () => dataSource.query(`insert into orders (item) values ('a')`),
  'dataSource.createQueryBuilder': () =>
    dataSource.createQueryBuilder().insert().into(Order).values({ item: 'a' }).execute(),
  'dataSource.getRepository': () => dataSource.getRepository(Order).save({ item: 'a' }),
  'dataSource.transaction': () =>
    dataSource.transaction((nested) => nested.save(Order, { item: 'a' })),
};

/** Ways to count the orders. */
const READS: Record<
  string,
  (on: { repository: Repository<Order>; manager: EntityManager }) => Promise<number>
> = {
  'repository.count': ({ repository }) => repository.count(),
  'repository.find': async ({ repository }) => (await repository.find()).length,
  'repository.findAndCount': async ({ repository }) => (await repository.findAndCount())[1],
  'repository.createQueryBuilder': ({ repository }) =>
    repository.createQueryBuilder('o').getCount(),
  'manager.find': async ({ manager }) => (await manager.find(Order)).length,
  'manager.createQueryBuilder': ({ manager }) => manager.createQueryBuilder(Order, 'o').getCount(),
  'active record': () => Order.count(),
  'dataSource.createQueryBuilder': () => dataSource.createQueryBuilder(Order, 'o').getCount(),
  'dataSource.query': async () =>
    (await dataSource.query<unknown[]>('select * from orders')).length,
};

describe('in a transaction', () => {
  let started: Started;
  let repository: Repository<Order>;
  beforeAll(async () => {
    repository = dataSource.getRepository(Order);
    started = await start(dataSource);
  });
  afterAll(() => started.stop());
  // The data source that was initialised last has the active records.
  beforeEach(() => Order.useDataSource(dataSource));
  const given = () => ({ repository, manager: dataSource.manager });

  test.each(Object.entries(WRITES))('%s joins', async (_how, write) => {
    const seen = await rolledBack(started.transaction, async () => {
      await write(given());
      expect(await items()).toEqual([]);
      const { manager } = started.transaction;
      return await manager.find(Order);
    });
    expect(seen).toMatchObject([{ item: 'a' }]);
    expect(await items()).toEqual([]);
    await started.transaction.run(() => write(given()));
    expect(await items()).toEqual(['a']);
  });

  test.each(Object.entries(WRITES))('%s stands by itself outside', async (_how, write) => {
    await started.transaction.run(async () => {
      await started.transaction.outside(() => write(given()));
      expect(await items()).toEqual(['a']);
    });
    await dataSource.query('delete from orders');
    await write(given());
    expect(await items()).toEqual(['a']);
  });

  test.each(Object.entries(READS))('%s sees what the transaction did', async (_how, count) => {
    const counted = await rolledBack(started.transaction, async () => {
      await started.transaction.manager.insert(Order, { item: 'a' });
      return await count(given());
    });
    expect(counted).toBe(1);
    expect(await count(given())).toBe(0);
  });

  test('a repository first asked for inside is the same outside, and in the next one', async () => {
    const fresh = await connect();
    const own = await start(fresh);
    const early = await rolledBack(own.transaction, async () => {
      const found = [
        fresh.getRepository(Order),
        fresh.manager.getRepository(Order).extend({}),
        fresh.manager.withRepository(repository),
      ];
      for (const [index, each] of found.entries()) await each.save({ item: `lost ${index}` });
      return found;
    });
    const tree = await rolledBack(own.transaction, async () => fresh.getTreeRepository(Category));
    for (const [index, each] of early.entries()) await each.save({ item: `outside ${index}` });
    await own.transaction.run(async () => {
      for (const [index, each] of early.entries()) await each.save({ item: `inside ${index}` });
      await tree.save({ name: 'inside' });
    });
    expect(await items()).toHaveLength(6);
    expect(await tree.count()).toBe(1);
    await own.stop();
    await fresh.destroy();
  });

  test('tree repositories join, with their tables of ancestors', async () => {
    const trees = dataSource.getTreeRepository(Category);
    const names = await rolledBack(started.transaction, async () => {
      const parent = await trees.save({ name: 'parent' });
      await trees.save({ name: 'child', parent });
      const [found] = await trees.findTrees();
      return [found?.name, ...(found?.children.map(({ name }) => name) ?? [])];
    });
    expect(names).toEqual(['parent', 'child']);
    expect(await trees.count()).toBe(0);
  });

  test('lazy relations are read in the transaction, and after it', async () => {
    const kept = await started.transaction.run(async () => {
      const order = await Order.create({ item: 'a' }).save();
      await dataSource.query('insert into lines ("orderId") values ($1)', [order.id]);
      const found = await repository.findOneByOrFail({ item: 'a' });
      expect(await found.lines).toHaveLength(1);
      return await repository.findOneByOrFail({ item: 'a' });
    });
    expect(await kept.lines).toHaveLength(1);
  });

  test('dataSource.transaction is a savepoint, undone by itself', async () => {
    await started.transaction.run(async () => {
      await repository.save({ item: 'outer' });
      const nested = dataSource.transaction(async (manager) => {
        await manager.save(Order, { item: 'nested' });
        await repository.save({ item: 'nested too' });
        await started.river.insert(new SendReceipt('nested'));
        throw new Rollback();
      });
      await expect(nested).rejects.toBeInstanceOf(Rollback);
    });
    expect(await items()).toEqual(['outer']);
    expect(await queryAll(database, 'select from river_job')).toEqual([]);
  });

  test('an isolation level that the savepoint cannot have is refused', async () => {
    const work = async () => undefined;
    await started.transaction.run(async () => {
      const nested = dataSource.transaction('SERIALIZABLE', work);
      await expect(nested).rejects.toMatchObject({ field: 'isolation' });
    });
    await started.transaction.run({ isolation: 'SERIALIZABLE' }, () =>
      dataSource.transaction('SERIALIZABLE', work),
    );
  });

  test('a runner from createQueryRunner() stays its own', async () => {
    await rolledBack(started.transaction, async () => {
      const runner = dataSource.createQueryRunner();
      await runner.manager.save(Order, { item: 'manager' });
      await runner.manager.getRepository(Order).save({ item: 'repository' });
      await dataSource.query(`insert into orders (item) values ('query')`, [], runner);
      await dataSource
        .createQueryBuilder(runner)
        .insert()
        .into(Order)
        .values({ item: 'builder' })
        .execute();
      await runner.release();
    });
    expect(await items()).toEqual(['manager', 'repository', 'query', 'builder']);
  });

  test('a query builder belongs to where it was made', async () => {
    const outside = repository.createQueryBuilder().insert().values({ item: 'made outside' });
    let inside = outside;
    await rolledBack(started.transaction, async () => {
      inside = repository.createQueryBuilder().insert().values({ item: 'made inside' });
      await outside.execute();
      await inside.execute();
    });
    await expect(inside.execute()).rejects.toThrow();
    expect(await items()).toEqual(['made outside']);
  });

  test('what outlives the transaction is refused, by promises that reject', async () => {
    let late: (() => Promise<unknown>)[] = [];
    await started.transaction.run(async () => {
      await repository.count();
      const { AsyncResource } = await import('node:async_hooks');
      late = [
        () => dataSource.query('select 1'),
        () => dataSource.manager.query('select 1'),
        () => repository.save({ item: 'late' }),
      ].map((each) => AsyncResource.bind(each));
    });
    for (const each of late) await expect(each()).rejects.toBeInstanceOf(TransactionEndedError);
    expect(await items()).toEqual([]);
  });
});

describe('subscribers', () => {
  test('are given the manager of the transaction, and join it by any other', async () => {
    const managers: EntityManager[] = [];
    const subscriber: EntitySubscriberInterface<Order> = {
      listenTo: () => Order,
      async afterInsert({ manager, entity, queryRunner }: InsertEvent<Order>) {
        expect(queryRunner.manager).toBe(manager);
        managers.push(manager);
        if (entity.item !== 'a') return;
        await manager.insert(Category, { name: 'by its manager' });
        await dataSource.getRepository(Category).insert({ name: 'by a repository' });
      },
    };
    dataSource.subscribers.push(subscriber);
    const { transaction, stop } = await start(dataSource);
    try {
      const inside = await rolledBack(transaction, async () => {
        await dataSource.getRepository(Order).save({ item: 'a' });
        expect(await dataSource.getRepository(Category).count()).toBe(2);
        return transaction.manager;
      });
      expect(managers).toEqual([inside]);
      expect(await dataSource.getRepository(Category).count()).toBe(0);
    } finally {
      await stop();
      dataSource.subscribers.splice(dataSource.subscribers.indexOf(subscriber), 1);
    }
  });
});

describe('the data source', () => {
  let own: DataSource;
  beforeEach(async () => {
    own = await connect();
  });
  afterEach(() => own.destroy());

  /** What is on the two objects themselves; to be compared by identity. */
  const look = (but?: string): unknown[] =>
    [own, own.manager].flatMap((object) => [
      Object.getPrototypeOf(object) as unknown,
      ...ownOf(object, but),
    ]);
  const ownOf = (object: object, but?: string): unknown[] =>
    Object.entries<PropertyDescriptor>(Object.getOwnPropertyDescriptors(object))
      .filter(([name]) => name !== but)
      .flatMap(([name, own]) => [name, Reflect.get(own, 'get') ?? (own.value as unknown)]);
  const isSame = (a: unknown[], b: unknown[]): boolean =>
    a.length === b.length && a.every((each, index) => each === b[index]);

  test('is as before when the last module on it has ended', async () => {
    own.getRepository(Order);
    const before = look();
    const first = await start(own);
    const second = await start(own);
    const during = look();
    expect(isSame(during, before)).toBe(false);
    await first.stop();
    expect(isSame(look(), during)).toBe(true);
    await rolledBack(second.transaction, () => own.getRepository(Order).save({ item: 'lost' }));
    expect(await items()).toEqual([]);
    await second.stop();
    expect(isSame(look(), before)).toBe(true);
  });

  test('keeps what somebody else had put on it', async () => {
    const asked: string[] = [];
    const query = own.query.bind(own);
    const traced: DataSource['query'] = (sql, ...rest) => {
      asked.push(sql);
      return query(sql, ...rest);
    };
    own.query = traced;
    const { transaction, stop } = await start(own);
    await transaction.run(() => own.query('select 1 as traced'));
    await stop();
    expect(asked).toContain('select 1 as traced');
    expect(Reflect.get(own, 'query')).toBe(traced);
  });

  test('keeps what somebody else has put on top, which no longer joins', async () => {
    const { transaction, stop } = await start(own);
    const query = own.query.bind(own);
    const traced: DataSource['query'] = (sql) => query(sql);
    own.query = traced;
    await stop();
    expect(Reflect.get(own, 'query')).toBe(traced);
    const runner = own.createQueryRunner();
    await runner.startTransaction();
    await transaction.bind(runner, () => own.query(`insert into orders (item) values ('a')`));
    await runner.rollbackTransaction();
    await runner.release();
    expect(await items()).toEqual(['a']);
  });

  test('is left alone with joinRepositories: false', async () => {
    const before = look();
    const { river, transaction, stop } = await start(own, { joinRepositories: false });
    expect(isSame(look('destroy'), before)).toBe(true);
    await rolledBack(transaction, async () => {
      await own.getRepository(Order).save({ item: 'by itself' });
      await transaction.manager.save(Order, { item: 'joined' });
      await river.insert(new SendReceipt('joined'));
    });
    expect(await items()).toEqual(['by itself']);
    expect(await queryAll(database, 'select from river_job')).toEqual([]);
    await stop();
  });
});

describe('replication', () => {
  /** The two pools are told apart by the name that their sessions give. */
  const pool = (name: string) => {
    const url = new URL(database.url);
    url.searchParams.set('application_name', name);
    return { url: url.href };
  };
  const NAME = `current_setting('application_name')`;

  test('reads in a transaction go to the master and see what it did', async () => {
    const own = await connect({
      replication: { master: pool('master'), slaves: [pool('slave')] },
    });
    const { river, transaction, stop } = await start(own);
    const orders = own.getRepository(Order);
    const where = async () =>
      (await orders.createQueryBuilder('o').select(NAME, 'pool').getRawOne<{ pool: string }>())
        ?.pool;
    try {
      await transaction.run(async () => {
        await orders.save({ item: 'a' });
        await river.insert(new SendReceipt('a'));
        expect(await where()).toBe('master');
        expect(await orders.find()).toHaveLength(1);
        expect(await own.query(`select ${NAME} as pool`)).toEqual([{ pool: 'master' }]);
      });
      expect(await where()).toBe('slave');
      const { job } = await river.insert(new SendReceipt('b'));
      expect(job.kind).toBe('send_receipt');
    } finally {
      await stop();
      await own.destroy();
    }
  });
});
