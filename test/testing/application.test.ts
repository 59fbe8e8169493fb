import { Global, Inject, Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { RiverClient, RiverModule, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { RiverTestingModule, type FakeRiverClient } from 'nestjs-river/testing';
import { automaticMock } from './automatic-mock.js';
import { createShopDatabase, type ShopDatabase } from '../http/shop-app.js';
import { OrderEntity, SendReceipt } from '../transaction/orders.js';

@Injectable()
class OrdersService {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
    @Inject(DataSource) private readonly dataSource: DataSource,
  ) {}

  async byHelper(item: string): Promise<void> {
    await this.transaction.run(async (manager) => {
      await manager.save(OrderEntity, { item });
      await this.river.insert(new SendReceipt(item));
      await this.river.insertTx(manager, new SendReceipt(`${item} again`));
      if (item === 'failing') throw new Error('failing');
    });
  }

  @RiverTransactional()
  async byDecorator(item: string): Promise<void> {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item === 'failing') throw new Error('failing');
  }

  async byTypeOrm(item: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.save(OrderEntity, { item });
      await this.river.insertTx(manager, new SendReceipt(item));
      await this.river.insert(new SendReceipt(`${item} again`));
      if (item === 'failing') throw new Error('failing');
    });
  }

  async byQueryRunner(item: string): Promise<void> {
    const queryRunner = this.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    try {
      await queryRunner.manager.save(OrderEntity, { item });
      await this.river.insertTx(queryRunner, new SendReceipt(item));
      if (item === 'failing') throw new Error('failing');
      await queryRunner.commitTransaction();
    } catch (error) {
      await queryRunner.rollbackTransaction();
      throw error;
    } finally {
      await queryRunner.release();
    }
  }

  async nested(): Promise<void> {
    await this.transaction.run(async (outer) => {
      await outer.save(OrderEntity, { item: 'outer' });
      await this.river.insert(new SendReceipt('outer'));
      const failing = outer.transaction(async (inner) => {
        await inner.save(OrderEntity, { item: 'inner' });
        await this.river.insertTx(inner, new SendReceipt('inner'));
        throw new Error('inner');
      });
      await failing.catch(() => undefined);
      await this.transaction.run(async (joined) => {
        expect(joined).toBe(outer);
        await this.river.insertTx(joined, new SendReceipt('joined'));
      });
    });
  }
}

const WAYS = ['byHelper', 'byDecorator', 'byTypeOrm', 'byQueryRunner'] as const;

const items = (river: FakeRiverClient): unknown[] =>
  river.insertedOf(SendReceipt).map(({ args }) => args.item);

let module: TestingModule;
async function start(dataSource: unknown): Promise<FakeRiverClient> {
  @Global()
  @Module({
    providers: [{ provide: DataSource, useFactory: () => dataSource }],
    exports: [DataSource],
  })
  class DatabaseModule {}
  const imports = [DatabaseModule, RiverModule.forRoot()];
  const builder = Test.createTestingModule({ imports, providers: [OrdersService] });
  module = await RiverTestingModule.override(builder).compile();
  return RiverTestingModule.client(module);
}

describe('beside a data source of the application', () => {
  let database: ShopDatabase;
  beforeAll(async () => {
    database = await createShopDatabase();
  });
  afterAll(() => database.dataSource.destroy());
  afterEach(async () => {
    await module.close();
    await database.forget();
  });

  const orders = async (): Promise<string[]> => (await database.stored()).orders;

  test.each(WAYS)('%s stores orders and jobs together, or none', async (way) => {
    const river = await start(database.dataSource);
    const service = module.get(OrdersService);
    await service[way]('book');
    expect(items(river)[0]).toBe('book');
    expect(await orders()).toEqual(['book']);
    const stored = items(river).length;
    await expect(service[way]('failing')).rejects.toThrow('failing');
    expect(items(river)).toHaveLength(stored);
    expect(await orders()).toEqual(['book']);
    // A job is not stored where the COMMIT of the application's data fails.
    await expect(service[way]('book')).rejects.toThrow(/unique/);
    expect(items(river)).toHaveLength(stored);
  });

  test('is as it was once the application has ended', async () => {
    await start(database.dataSource);
    await module.close();
    await database.dataSource.transaction(async (manager) => {
      await manager.save(OrderEntity, { item: 'book' });
    });
    expect(await orders()).toEqual(['book']);
    expect(Object.hasOwn(database.dataSource.manager, 'transaction')).toBe(false);
  });

  test('a savepoint is undone in both', async () => {
    const river = await start(database.dataSource);
    await module.get(OrdersService).nested();
    expect(items(river)).toEqual(['outer', 'joined']);
    expect(await orders()).toEqual(['outer']);
  });

  test('a query runner outside a transaction is rejected as on Postgres', async () => {
    const river = await start(database.dataSource);
    const queryRunner = database.dataSource.createQueryRunner();
    for (const tx of [queryRunner, database.dataSource.manager]) {
      await expect(river.insertTx(tx, new SendReceipt('x'))).rejects.toMatchObject({
        code: 'RIVER_NOT_IN_TRANSACTION',
      });
    }
    await queryRunner.release();
  });
});

describe('beside a mock of a data source', () => {
  afterEach(() => module.close());

  const save = jest.fn((_entity: unknown, order: object) => Promise.resolve(order));
  const manager = { save } as unknown as EntityManager;
  const queryRunner = {
    manager,
    startTransaction: jest.fn(() => Promise.resolve()),
    commitTransaction: jest.fn(() => Promise.resolve()),
    rollbackTransaction: jest.fn(() => Promise.resolve()),
    release: jest.fn(() => Promise.resolve()),
  };

  test.each(WAYS)('%s works with one that calls the work', async (way) => {
    const river = await start({
      manager,
      transaction: (work: (given: EntityManager) => Promise<unknown>) => work(manager),
      createQueryRunner: () => queryRunner as unknown as QueryRunner,
    });
    const service = module.get(OrdersService);
    await service[way]('book');
    expect(save).toHaveBeenLastCalledWith(OrderEntity, { item: 'book' });
    expect(items(river)[0]).toBe('book');
    const stored = items(river).length;
    await expect(service[way]('failing')).rejects.toThrow('failing');
    expect(items(river)).toHaveLength(stored);
  });

  test('one that calls nothing runs the work all the same', async () => {
    const transaction = jest.fn();
    const river = await start({ manager, transaction });
    await module.get(OrdersService).byHelper('book');
    await module.get(OrdersService).byDecorator('pen');
    expect(transaction).toHaveBeenCalledTimes(2);
    expect(items(river)).toEqual(['book', 'book again', 'pen']);
  });

  test('an automatic mock of a data source loses no job', async () => {
    const river = await start(automaticMock());
    await module.get(OrdersService).byHelper('book');
    await module.get(OrdersService).byDecorator('pen');
    await expect(module.get(OrdersService).byHelper('failing')).rejects.toThrow('failing');
    expect(items(river)).toEqual(['book', 'book again', 'pen']);
    await river.insertTx(automaticMock() as EntityManager, new SendReceipt('alone'));
    expect(items(river)).toHaveLength(4);
    await expect(river.insertTx({} as EntityManager, new SendReceipt('x'))).rejects.toMatchObject({
      code: 'RIVER_INVALID_TRANSACTION',
    });
  });

  test('one that has no manager leaves that of the tables in memory', async () => {
    const river = await start({});
    const transaction = module.get(RiverTransaction);
    await transaction.run(() => river.insert(new SendReceipt('book')));
    expect(items(river)).toEqual(['book']);
    await expect(module.get(OrdersService).byHelper('book')).rejects.toMatchObject({
      code: 'RIVER_NOT_IN_MEMORY',
    });
  });

  test('methods of a mocked query runner are its own again after the end', async () => {
    await start({ manager, createQueryRunner: () => queryRunner });
    await module.get(OrdersService).byQueryRunner('book');
    expect(queryRunner.commitTransaction).toHaveBeenCalled();
    expect(jest.isMockFunction(queryRunner.startTransaction)).toBe(true);
  });
});
