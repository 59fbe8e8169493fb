import { Controller, Global, Inject, Injectable, Module, Post } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { getRepositoryToken } from '@nestjs/typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource, Repository, type QueryRunner } from 'typeorm';
import {
  JobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
  TransactionQueryRunner,
  type RiverModuleForRootOptions,
} from 'nestjs-river';
import {
  requireInserted,
  requireManyInserted,
  requireNotInserted,
  RiverTestingModule,
  type FakeRiverClient,
} from 'nestjs-river/testing';
import { createShopDatabase, type ShopDatabase } from '../http/shop-app.js';
import { OrderEntity, SendReceipt, type Order } from '../transaction/orders.js';

@JobArgs('once', { uniqueOpts: { byArgs: true } })
class Once {
  constructor(readonly item: string) {}
}

/** Its repository is injected, and so has no query runner of its own. */
@Injectable()
class OrdersService {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
    @Inject(getRepositoryToken(OrderEntity)) private readonly orders: Repository<Order>,
  ) {}

  async place(item: string): Promise<void> {
    await this.orders.save({ item });
    await this.river.insert(new SendReceipt(item));
    if (item === 'failing') throw new Error('failing');
    if (item === 'unawaited') void this.river.insert(new SendReceipt(item), { priority: 9 });
    if (item === 'swallowed') {
      const twice = [new Once(item), new Once(item)];
      await this.river.insertManyFast(twice).catch(() => undefined);
    }
  }

  @RiverTransactional()
  async byDecorator(item: string): Promise<void> {
    await this.place(item);
  }

  byHelper(item: string): Promise<void> {
    return this.transaction.run(() => this.place(item));
  }

  byDataSource(item: string): Promise<void> {
    return this.orders.manager.connection.transaction(() => this.place(item));
  }

  byManager(item: string): Promise<void> {
    return this.orders.manager.transaction(() => this.place(item));
  }

  async byBind(item: string): Promise<void> {
    const queryRunner = this.orders.manager.connection.createQueryRunner();
    await queryRunner.startTransaction();
    try {
      await this.transaction.bind(queryRunner, () => this.place(item));
      await queryRunner.commitTransaction();
    } catch (error) {
      await queryRunner.rollbackTransaction();
      throw error;
    } finally {
      await queryRunner.release();
    }
  }
}

@Controller('orders')
class OrdersController {
  @Post()
  @RiverTransactional()
  async create(@TransactionQueryRunner() queryRunner: QueryRunner): Promise<unknown> {
    await queryRunner.query(`insert into orders (item) values ('by runner')`);
    return await queryRunner.query('select item from orders');
  }
}

const WAYS = ['byDecorator', 'byHelper', 'byDataSource', 'byManager', 'byBind'] as const;

let database: ShopDatabase;
let module: TestingModule;
let river: FakeRiverClient;
let service: OrdersService;
beforeAll(async () => {
  database = await createShopDatabase(4);
});
afterAll(() => database.dataSource.destroy());
afterEach(async () => {
  await module.close();
  await database.forget();
});

async function start(options: RiverModuleForRootOptions = {}): Promise<void> {
  const { dataSource } = database;
  @Global()
  @Module({
    providers: [
      { provide: DataSource, useFactory: () => dataSource },
      {
        provide: getRepositoryToken(OrderEntity),
        useFactory: () => dataSource.getRepository(OrderEntity),
      },
    ],
    exports: [DataSource, getRepositoryToken(OrderEntity)],
  })
  class DatabaseModule {}
  const builder = Test.createTestingModule({
    imports: [DatabaseModule, RiverModule.forRoot(options)],
    providers: [OrdersService],
    controllers: [OrdersController],
  });
  module = await RiverTestingModule.override(builder).compile();
  river = RiverTestingModule.client(module);
  service = module.get(OrdersService);
}

const orders = async (): Promise<string[]> => (await database.stored()).orders.toSorted();
const items = (): string[] => river.insertedOf(SendReceipt).map(({ args }) => args.item);

describe('beside a pooled data source of the application, its repositories', () => {
  test.each(WAYS)('join the transaction of the jobs, %s', async (way) => {
    await start();
    await service[way]('book');
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
    await expect(service[way]('failing')).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
  });

  test.each(WAYS)(
    'are undone where the transaction of the jobs cannot be committed, %s',
    async (way) => {
      await start();
      await expect(service[way]('unawaited')).rejects.toMatchObject({
        code: 'RIVER_INVALID_OPTION',
      });
      await expect(service[way]('swallowed')).rejects.toMatchObject({
        code: 'RIVER_TRANSACTION_ROLLED_BACK',
      });
      expect([await orders(), items()]).toEqual([[], []]);
    },
  );

  test('see within a transaction what others do not see yet', async () => {
    await start();
    const transaction = module.get(RiverTransaction);
    const { dataSource } = database;
    await transaction.run(async (manager) => {
      await service.place('book');
      expect(await manager.countBy(OrderEntity, {})).toBe(1);
      expect(await dataSource.getRepository(OrderEntity).count()).toBe(1);
      expect(await dataSource.query('select item from orders')).toEqual([{ item: 'book' }]);
      expect(await dataSource.createQueryBuilder(OrderEntity, 'o').getCount()).toBe(1);
      expect(transaction.queryRunner.manager).toBe(manager);
      expect(await transaction.queryRunner.query('select 1 as one')).toEqual([{ one: 1 }]);
      await transaction.outside(async () => {
        expect(await dataSource.getRepository(OrderEntity).count()).toBe(0);
      });
      expect(await orders()).toEqual([]);
    });
    expect(await orders()).toEqual(['book']);
  });

  test('are undone with a nested transaction, and not with one of their own', async () => {
    await start();
    const transaction = module.get(RiverTransaction);
    const whole = transaction.run(async () => {
      await service.place('outer');
      const nested = transaction.run({ propagation: 'NESTED' }, () => service.place('failing'));
      await expect(nested).rejects.toThrow('failing');
      expect(items()).toEqual(['outer']);
      await transaction.run({ propagation: 'REQUIRES_NEW' }, () => service.place('own'));
      await transaction.run({ propagation: 'NOT_SUPPORTED' }, () => service.place('outside'));
      throw new Error('undone');
    });
    await expect(whole).rejects.toThrow('undone');
    expect([await orders(), items()]).toEqual([
      ['outside', 'own'],
      ['own', 'outside'],
    ]);
  });

  test('join a query runner that is bound, also in a transaction nested in it', async () => {
    await start();
    const transaction = module.get(RiverTransaction);
    const queryRunner = database.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await transaction.bind(queryRunner, async () => {
      await transaction.run(async (manager) => {
        expect(manager).toBe(queryRunner.manager);
        await service.place('outer');
      });
      const nested = transaction.run({ propagation: 'NESTED' }, () => service.place('failing'));
      await expect(nested).rejects.toThrow('failing');
      expect(items()).toEqual(['outer']);
    });
    expect([await orders(), items()]).toEqual([[], []]);
    await queryRunner.commitTransaction();
    await queryRunner.release();
    expect([await orders(), items()]).toEqual([['outer'], ['outer']]);
  });

  test('that are made of an entity manager of their own join as well', async () => {
    await start();
    const manager = database.dataSource.createEntityManager();
    const own = new Repository(OrderEntity, manager);
    const failing = manager.transaction(async () => {
      await own.save({ item: 'book' });
      await service.place('failing');
    });
    await expect(failing).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([[], []]);
  });

  test('lead requireInserted to the jobs in memory, in transactions and outside', async () => {
    await start();
    const { dataSource } = database;
    await dataSource.transaction(async (manager) => {
      await service.place('book');
      await requireInserted(manager, SendReceipt, { args: { item: 'book' } });
      await requireInserted(dataSource.manager, SendReceipt);
      await module.get(RiverTransaction).outside(() => requireNotInserted(river, SendReceipt));
    });
    const queryRunner = dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await river.insertTx(queryRunner, new SendReceipt('pen'));
    await requireManyInserted(queryRunner, [SendReceipt, SendReceipt]);
    await requireInserted(dataSource.manager, SendReceipt);
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
    await requireInserted(queryRunner, SendReceipt);
    await module.close();
    await requireNotInserted(dataSource.manager, SendReceipt);
  });

  test('are outside the transaction in its hooks', async () => {
    await start();
    const transaction = module.get(RiverTransaction);
    const seen: string[][] = [];
    await transaction.run(async () => {
      await service.place('book');
      transaction.afterCommit(async () => {
        await service.place('afterwards');
        seen.push(await orders());
      });
    });
    expect(seen).toEqual([['afterwards', 'book']]);
  });

  test('do not join where joinRepositories is off, as in production', async () => {
    await start({ joinRepositories: false });
    await expect(service.byHelper('failing')).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([['failing'], []]);
  });

  test('do not join any more once the application has ended', async () => {
    await start();
    const { dataSource } = database;
    await module.close();
    expect(Object.hasOwn(dataSource, 'query')).toBe(false);
    await dataSource.transaction(async (manager) => {
      await manager.save(OrderEntity, { item: 'joined' });
      expect(await dataSource.getRepository(OrderEntity).count()).toBe(0);
    });
  });

  test('are joined by the query runner that a handler is given', async () => {
    await start();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const init = { method: 'POST', headers: { connection: 'close' } };
    const response = await fetch(`${await app.getUrl()}/orders`, init);
    expect(await response.json()).toEqual([{ item: 'by runner' }]);
    await app.close();
  });
});
