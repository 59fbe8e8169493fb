import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EntityManager, type QueryRunner } from 'typeorm';
import {
  InjectRiverClient,
  InjectRiverTransaction,
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  TransactionManager,
  TransactionQueryRunner,
} from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

interface Dto {
  readonly item: string;
}

@Controller()
class ParametersController {
  constructor(
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
    @InjectRiverTransaction('billing') private readonly billing: RiverTransaction,
  ) {}

  @Get('both')
  @RiverTransactional()
  async both(@TransactionManager() manager: unknown, @TransactionQueryRunner() runner: unknown) {
    return {
      isManager: manager instanceof EntityManager && manager === this.transaction.manager,
      isQueryRunner: runner === this.transaction.queryRunner,
    };
  }

  @Get('manager-without')
  managerWithout(@TransactionManager() _manager: EntityManager) {
    return 'never';
  }

  @Get('query-runner-without')
  queryRunnerWithout(@TransactionQueryRunner() _queryRunner: QueryRunner) {
    return 'never';
  }

  @Get('of-another')
  @RiverTransactional()
  async ofAnother(@TransactionManager('billing') _manager: EntityManager) {
    return 'never';
  }

  @Get('named')
  @RiverTransactional({ name: 'billing' })
  async named(
    @TransactionManager('billing') manager: EntityManager,
    @TransactionQueryRunner('billing') queryRunner: QueryRunner,
  ) {
    return {
      isManager: manager === this.billing.manager,
      isQueryRunner: queryRunner === this.billing.queryRunner,
      isDefaultActive: this.transaction.isActive,
    };
  }
}

@Controller()
class TwoDataSourcesController {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @InjectRiverClient('billing') private readonly billing: RiverClient,
  ) {}

  async #store(here: EntityManager, there: EntityManager, item: string): Promise<void> {
    await here.save(OrderEntity, { item: `${item} here` });
    await there.save(OrderEntity, { item: `${item} there` });
    await this.river.insert(new SendReceipt('here'));
    await this.billing.insert(new SendReceipt('there'));
    if (item === 'failing') throw new Error(item);
  }

  @Post('stacked')
  @RiverTransactional()
  @RiverTransactional({ name: 'billing' })
  async stacked(
    @Body() { item }: Dto,
    @TransactionManager() here: EntityManager,
    @TransactionManager('billing') there: EntityManager,
  ) {
    await this.#store(here, there, item);
  }

  @RiverTransactional({ name: 'billing', isolation: 'REPEATABLE READ' })
  @Post('around')
  @RiverTransactional({ isolation: 'SERIALIZABLE' })
  async around(
    @Body() { item }: Dto,
    @TransactionManager() here: EntityManager,
    @TransactionManager('billing') there: EntityManager,
  ) {
    await this.#store(here, there, item);
    const level = `select current_setting('transaction_isolation') as level`;
    return [await here.query<unknown>(level), await there.query<unknown>(level)];
  }

  @Post('one')
  @RiverTransactional({ name: 'billing' })
  async one() {
    await this.river.insert(new SendReceipt('here, by itself'));
    await this.billing.insert(new SendReceipt('there'));
    throw new Error('failing');
  }
}

let database: ShopDatabase;
let billing: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase();
  billing = await createShopDatabase();
  shop = await startShopApp({
    controllers: [ParametersController, TwoDataSourcesController],
    modules: [riverOn(database.dataSource), riverOn(billing.dataSource, { name: 'billing' })],
  });
});
afterEach(async () => {
  await database.forget();
  await billing.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
  await billing.dataSource.destroy();
});

describe('@TransactionManager() and @TransactionQueryRunner()', () => {
  test('are those of the transaction of the handler', async () => {
    expect(await shop.get('/both')).toEqual({
      status: 200,
      body: { isManager: true, isQueryRunner: true },
    });
  });

  test("are those of the client's name", async () => {
    expect(await shop.get('/named')).toEqual({
      status: 200,
      body: { isManager: true, isQueryRunner: true, isDefaultActive: false },
    });
  });

  test.each(['/manager-without', '/query-runner-without', '/of-another'])(
    'fail where there is no such transaction: %s',
    async (path) => {
      expect(await shop.get(path)).toMatchObject({ status: 500 });
    },
  );
});

describe('two data sources', () => {
  test.each(['/stacked', '/around'])('%s opens a transaction of each', async (path) => {
    expect(await shop.post(path, { item: 'book' })).toMatchObject({ status: 201 });
    expect(await database.stored()).toEqual({ orders: ['book here'], jobs: 1 });
    expect(await billing.stored()).toEqual({ orders: ['book there'], jobs: 1 });
  });

  test.each(['/stacked', '/around'])('%s rolls both back', async (path) => {
    expect(await shop.post(path, { item: 'failing' })).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
    expect(await billing.stored()).toEqual(NOTHING);
  });

  test('keep the options of each decorator', async () => {
    expect(await shop.post('/around', { item: 'book' })).toMatchObject({
      body: [[{ level: 'serializable' }], [{ level: 'repeatable read' }]],
    });
  });

  test('are apart: a transaction of one does not hold the other', async () => {
    expect(await shop.post('/one')).toMatchObject({ status: 500 });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
    expect(await billing.stored()).toEqual(NOTHING);
  });
});
