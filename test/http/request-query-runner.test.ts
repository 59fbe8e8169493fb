import {
  Body,
  Controller,
  Inject,
  Injectable,
  Post,
  Req,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import {
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  TransactionManager,
} from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
  type ShopParts,
} from './shop-app.js';

interface ShopRequest {
  queryRunner?: unknown;
}

/** As applications have it: a query runner on the request, committed or rolled back around it. */
@Injectable()
class OwnTransactionInterceptor implements NestInterceptor {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<ShopRequest>();
    return from(this.#run(request, () => lastValueFrom(next.handle())));
  }

  async #run(request: ShopRequest, handle: () => Promise<unknown>): Promise<unknown> {
    const queryRunner = this.dataSource.createQueryRunner();
    request.queryRunner = queryRunner;
    try {
      await queryRunner.startTransaction();
      const result = await handle();
      await queryRunner.commitTransaction();
      return result;
    } catch (error) {
      await queryRunner.rollbackTransaction();
      throw error;
    } finally {
      await queryRunner.release();
    }
  }
}

interface Dto {
  readonly item: string;
}

class OrdersHandlers {
  constructor(
    @Inject(RiverClient) protected readonly river: RiverClient,
    @Inject(RiverTransaction) protected readonly transaction: RiverTransaction,
  ) {}

  @Post()
  async create(@Body() { item }: Dto, @Req() request: { queryRunner: QueryRunner }) {
    await request.queryRunner.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    await this.transaction.run((manager) => manager.save(OrderEntity, { item: `${item} joined` }));
    if (item === 'failing') throw new Error(item);
    return { isSame: this.transaction.queryRunner === request.queryRunner };
  }

  @Post('decorated')
  @RiverTransactional()
  async decorated(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    await manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item === 'failing') throw new Error(item);
    return { isSame: this.transaction.manager === manager };
  }
}

@Controller('orders')
class OrdersController extends OrdersHandlers {}

@Controller('orders')
@UseInterceptors(OwnTransactionInterceptor)
class OwnInterceptorController extends OrdersHandlers {}

@Controller('runner')
class OddRunnerController {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(DataSource) private readonly dataSource: DataSource,
  ) {}

  @Post('none')
  async none() {
    await this.river.insert(new SendReceipt('by itself'));
  }

  @Post('not-begun')
  async notBegun(@Req() request: ShopRequest) {
    return await this.#refusal(request, this.dataSource.createQueryRunner());
  }

  @Post('nonsense')
  async nonsense(@Req() request: ShopRequest) {
    return await this.#refusal(request, { query: 'something else' });
  }

  @Post('ended')
  async ended(@Req() request: ShopRequest) {
    const queryRunner = this.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    await queryRunner.commitTransaction();
    const refusal = await this.#refusal(request, queryRunner);
    await queryRunner.release();
    return refusal;
  }

  async #refusal(request: ShopRequest, queryRunner: unknown) {
    request.queryRunner = queryRunner;
    return await this.river.insert(new SendReceipt('refused')).then(
      () => 'stored',
      ({ name, code }: { name: string; code: string }) => ({ name, code }),
    );
  }
}

let database: ShopDatabase;
beforeAll(async () => {
  database = await createShopDatabase();
});
afterEach(() => database.forget());
afterAll(() => database.dataSource.destroy());

const river = () =>
  riverOn(database.dataSource, {
    requestQueryRunner: (context) =>
      context.switchToHttp().getRequest<{ queryRunner?: QueryRunner }>().queryRunner,
  });
const dataSource = () => ({ provide: DataSource, useFactory: () => database.dataSource });
const own = { provide: APP_INTERCEPTOR, useClass: OwnTransactionInterceptor };

/** Nest runs global interceptors in the order in which their modules were imported. */
class OwnTransactionModule {
  static register() {
    return { module: OwnTransactionModule, providers: [dataSource(), own] };
  }
}

const placements: Record<string, () => ShopParts> = {
  'before ours': () => ({
    controllers: [OrdersController],
    modules: [OwnTransactionModule.register(), river()],
  }),
  'after ours': () => ({
    controllers: [OrdersController],
    modules: [river(), OwnTransactionModule.register()],
  }),
  'on the controller': () => ({
    controllers: [OwnInterceptorController],
    providers: [dataSource()],
    modules: [river()],
  }),
  'by app.useGlobalInterceptors': () => ({
    controllers: [OrdersController],
    modules: [river()],
    prepare: (app) => app.useGlobalInterceptors(new OwnTransactionInterceptor(database.dataSource)),
  }),
};

describe.each(Object.entries(placements))("the application's interceptor %s", (_where, parts) => {
  let shop: ShopApp;
  beforeAll(async () => {
    shop = await startShopApp(parts());
  });
  afterAll(() => shop.stop());

  test('commits orders and jobs together', async () => {
    const answer = await shop.post('/orders', { item: 'book' });
    expect(answer).toEqual({ status: 201, body: { isSame: true } });
    expect(await database.stored()).toEqual({ orders: ['book', 'book joined'], jobs: 1 });
  });

  test('rolls orders and jobs back together', async () => {
    expect(await shop.post('/orders', { item: 'failing' })).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('keeps requests apart', async () => {
    const items = ['a', 'failing', 'b', 'c'];
    const answers = await Promise.all(items.map((item) => shop.post('/orders', { item })));
    expect(answers.map(({ status }) => status)).toEqual([201, 500, 201, 201]);
    expect(await database.stored()).toMatchObject({ jobs: 3 });
  });

  test('is joined by a handler with @RiverTransactional()', async () => {
    const answer = await shop.post('/orders/decorated', { item: 'book' });
    expect(answer).toEqual({ status: 201, body: { isSame: true } });
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
    expect(await shop.post('/orders/decorated', { item: 'failing' })).toMatchObject({
      status: 500,
    });
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
  });
});

describe('requestQueryRunner', () => {
  let shop: ShopApp;
  beforeAll(async () => {
    shop = await startShopApp({
      controllers: [OddRunnerController],
      providers: [dataSource()],
      modules: [river()],
    });
  });
  afterAll(() => shop.stop());

  test('that answers undefined leaves the insert to itself', async () => {
    expect(await shop.post('/runner/none')).toMatchObject({ status: 201 });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });

  test.each([
    ['/runner/not-begun', 'NotInTransactionError', 'RIVER_NOT_IN_TRANSACTION'],
    ['/runner/ended', 'NotInTransactionError', 'RIVER_NOT_IN_TRANSACTION'],
    ['/runner/nonsense', 'RiverTransactionError', 'RIVER_INVALID_TRANSACTION'],
  ])('%s is refused at the insert: %s', async (path, name, code) => {
    expect(await shop.post(path)).toEqual({ status: 201, body: { name, code } });
    expect(await database.stored()).toEqual(NOTHING);
  });
});

describe('an application interceptor without the option', () => {
  test('is not joined: jobs stand by themselves', async () => {
    const shop = await startShopApp({
      controllers: [OrdersController],
      modules: [riverOn(database.dataSource)],
      prepare: (app) =>
        app.useGlobalInterceptors(new OwnTransactionInterceptor(database.dataSource)),
    });
    try {
      expect(await shop.post('/orders', { item: 'failing' })).toMatchObject({ status: 500 });
      expect(await database.stored()).toEqual({ orders: ['failing joined'], jobs: 1 });
    } finally {
      await shop.stop();
    }
  });
});
