import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Body,
  Controller,
  Global,
  Inject,
  Module,
  Post,
  type ExecutionContext,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import {
  RiverClient,
  RiverModule,
  RiverTransaction,
  type RiverModuleForRootOptions,
} from 'nestjs-river';
import { requireInserted, RiverTestingModule, type FakeRiverClient } from 'nestjs-river/testing';
import { createShopDatabase, type ShopDatabase } from '../http/shop-app.js';
import { OrderEntity, SendReceipt } from '../transaction/orders.js';

/** What another package keeps of the transaction that it has opened. */
const running = new AsyncLocalStorage<EntityManager>();

let database: ShopDatabase;
let module: TestingModule;
let river: FakeRiverClient;
beforeAll(async () => {
  database = await createShopDatabase(4);
});
afterAll(() => database.dataSource.destroy());
afterEach(async () => {
  await module.close();
  await database.forget();
});

@Controller('orders')
class OrdersController {
  constructor(
    @Inject(RiverClient) private readonly client: RiverClient,
    @Inject(DataSource) private readonly dataSource: DataSource,
  ) {}

  @Post()
  async create(@Body() { fails }: { fails: boolean }): Promise<unknown> {
    const queryRunner = this.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    current = queryRunner;
    try {
      await queryRunner.manager.save(OrderEntity, { item: 'book' });
      await this.client.insert(new SendReceipt('book'));
      await (fails ? queryRunner.rollbackTransaction() : queryRunner.commitTransaction());
    } finally {
      await queryRunner.release();
      current = undefined;
    }
    return {};
  }
}

/** As an interceptor of the application would put it on the request. */
let current: QueryRunner | undefined;

async function start(options: RiverModuleForRootOptions): Promise<void> {
  const { dataSource } = database;
  @Global()
  @Module({
    providers: [{ provide: DataSource, useFactory: () => dataSource }],
    exports: [DataSource],
  })
  class DatabaseModule {}
  const builder = Test.createTestingModule({
    imports: [DatabaseModule, RiverModule.forRoot(options)],
    controllers: [OrdersController],
  });
  module = await RiverTestingModule.override(builder).compile();
  river = RiverTestingModule.client(module);
}

const orders = async (): Promise<string[]> => (await database.stored()).orders.toSorted();
const items = (): string[] => river.insertedOf(SendReceipt).map(({ args }) => args.item);

describe('in memory, transactions that a transactionSource finds', () => {
  const asked: DataSource[] = [];
  const transactionSource = (dataSource: DataSource): EntityManager | undefined => {
    asked.push(dataSource);
    return running.getStore();
  };
  /** As `@Transactional()` of another package: without a word to this one. */
  async function transactional(work: () => Promise<void>): Promise<void> {
    const queryRunner = database.dataSource.createQueryRunner();
    try {
      await queryRunner.startTransaction();
      await running.run(queryRunner.manager, work);
      await queryRunner.commitTransaction();
    } catch (error) {
      await queryRunner.rollbackTransaction();
      throw error;
    } finally {
      await queryRunner.release();
    }
  }
  const place = async (item: string): Promise<void> => {
    await running.getStore()?.save(OrderEntity, { item });
    await river.insert(new SendReceipt(item));
    if (item === 'failing') throw new Error('failing');
  };

  test('are joined by inserts, and commit and roll back with them', async () => {
    await start({ transactionSource, outsideTransaction: 'error' });
    await transactional(async () => {
      await place('book');
      await requireInserted(river, SendReceipt);
      expect(module.get(RiverTransaction).isActive).toBe(true);
    });
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
    await expect(transactional(() => place('failing'))).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
    expect(new Set(asked)).toEqual(new Set([database.dataSource]));
    await expect(place('outside')).rejects.toMatchObject({ code: 'RIVER_OUTSIDE_TRANSACTION' });
  });

  test('are joined by run, with savepoints', async () => {
    await start({ transactionSource });
    const transaction = module.get(RiverTransaction);
    await transactional(async () => {
      await transaction.run(async (manager) => {
        expect(manager).toBe(running.getStore());
        await place('outer');
      });
      const nested = transaction.run({ propagation: 'NESTED' }, () => place('failing'));
      await expect(nested).rejects.toThrow('failing');
    });
    expect([await orders(), items()]).toEqual([['outer'], ['outer']]);
  });

  test('that begin with a savepoint are followed from there', async () => {
    await start({ transactionSource });
    await transactional(async () => {
      const nested = running.getStore()?.transaction(() => place('failing'));
      await expect(nested).rejects.toThrow('failing');
      await place('book');
    });
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
  });

  test('that have ended are rejected as on Postgres', async () => {
    await start({ transactionSource });
    const queryRunner = database.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await queryRunner.rollbackTransaction();
    await running.run(queryRunner.manager, async () => {
      expect(module.get(RiverTransaction).isActive).toBe(false);
      await expect(river.insert(new SendReceipt('late'))).rejects.toMatchObject({
        code: 'RIVER_NOT_IN_TRANSACTION',
      });
    });
    await queryRunner.release();
  });
});

describe('in memory, inserts without a `tx` join what TypeORM itself opens', () => {
  test('for the manager of a query runner', async () => {
    await start({});
    const queryRunner = database.dataSource.createQueryRunner();
    const place = (item: string): Promise<void> =>
      queryRunner.manager.transaction(async (manager) => {
        await manager.save(OrderEntity, { item });
        await river.insert(new SendReceipt(item));
        if (item === 'failing') throw new Error('failing');
      });
    await place('book');
    await expect(place('failing')).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
    await queryRunner.release();
  });

  test('for a save, to what its subscribers insert', async () => {
    await start({ outsideTransaction: 'error' });
    const { dataSource } = database;
    dataSource.subscribers.push({
      async afterInsert({ entity }: { entity: { item: string } }) {
        if (entity.item === undefined) return;
        await river.insert(new SendReceipt(entity.item));
        if (entity.item === 'failing') throw new Error('failing');
      },
    });
    const repository = dataSource.getRepository(OrderEntity);
    await repository.save({ item: 'book' });
    await expect(repository.save({ item: 'failing' })).rejects.toThrow('failing');
    expect([await orders(), items()]).toEqual([['book'], ['book']]);
    dataSource.subscribers.pop();
  });
});

test('in memory, inserts join the query runner that requestQueryRunner finds', async () => {
  await start({ requestQueryRunner: (_context: ExecutionContext) => current });
  const app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/orders`;
  const headers = { 'content-type': 'application/json', connection: 'close' };
  for (const fails of [true, false]) {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ fails }) });
    expect(response.status).toBe(201);
    const expected = fails ? [] : ['book'];
    expect([await orders(), items()]).toEqual([expected, expected]);
  }
  await app.close();
});
