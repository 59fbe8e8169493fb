import {
  Body,
  Catch,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  Inject,
  Post,
  UseInterceptors,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { concat, defer, from, map, of, throwError, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import {
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  RiverTransactionInterceptor,
  TransactionManager,
} from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

class Unhandled extends Error {}

interface Reply {
  status(code: number): { json(body: unknown): void };
}

/** What the exception filters were given. */
const caught: unknown[] = [];

@Catch()
class RecordingFilter implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    caught.push(exception);
    const status = exception instanceof ConflictException ? 409 : 500;
    host.switchToHttp().getResponse<Reply>().status(status).json({ status });
  }
}

const kept = new ConflictException('the very one');
const EQUAL = `insert into orders (item, deferred) values ('one', 7), ('two', 7)`;

interface Dto {
  readonly item: string;
}

@Controller('orders')
class OrdersController {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @Post()
  @RiverTransactional()
  async create(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    const order = await manager.save(OrderEntity, { item });
    const { job } = await this.river.insert(new SendReceipt(item));
    return { order: order.item, job };
  }

  @Post('conflict')
  @RiverTransactional()
  async conflict(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    await manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    throw kept;
  }

  @Post('database-error')
  @RiverTransactional()
  async databaseError(@TransactionManager() manager: EntityManager) {
    await this.river.insert(new SendReceipt('a'));
    await manager.query('select 1/0');
  }

  @Post('swallowed')
  @RiverTransactional()
  async swallowed(@TransactionManager() manager: EntityManager) {
    await this.river.insert(new SendReceipt('a'));
    await manager.query('select 1/0').catch(() => undefined);
    return 'fine';
  }

  @Post('deferred')
  @RiverTransactional()
  async deferred(@TransactionManager() manager: EntityManager) {
    await manager.query(EQUAL);
    await this.river.insert(new SendReceipt('a'));
    return 'stored';
  }

  @Post('observable')
  @RiverTransactional()
  observable(@Body() { item }: Dto): Observable<unknown> {
    return defer(() => from(this.river.insert(new SendReceipt(item)))).pipe(
      map(({ job }) => ({ isActive: this.transaction.isActive, kind: job.kind })),
    );
  }

  @Post('observables')
  @RiverTransactional()
  observables(): Observable<unknown> {
    const insert = (item: string) => defer(() => this.river.insert(new SendReceipt(item)));
    return concat(insert('a'), insert('b')).pipe(map(({ job }) => job.args));
  }

  @Post('observable-deferred')
  @RiverTransactional()
  observableDeferred(@TransactionManager() manager: EntityManager): Observable<unknown> {
    return concat(
      defer(() => manager.query(EQUAL)),
      of('stored'),
    );
  }

  @Post('observable-failing')
  @RiverTransactional()
  observableFailing(): Observable<unknown> {
    const inserted = defer(() => from(this.river.insert(new SendReceipt('a'))));
    return concat(
      inserted,
      throwError(() => kept),
    );
  }

  @Post('empty')
  @HttpCode(204)
  @RiverTransactional()
  async empty(): Promise<void> {
    await this.river.insert(new SendReceipt('a'));
  }

  @Post('serializable')
  @RiverTransactional({ isolation: 'SERIALIZABLE' })
  async serializable(@TransactionManager() manager: EntityManager) {
    return await manager.query<unknown>(`select current_setting('transaction_isolation') as level`);
  }

  @Get('plain')
  plain() {
    return { isActive: this.transaction.isActive };
  }

  @Post('plain')
  async plainInsert() {
    await this.river.insert(new SendReceipt('by itself'));
    throw new Unhandled('after it');
  }
}

@Controller('all')
@UseInterceptors(RiverTransactionInterceptor)
class AllInTransactionsController {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @Post()
  async create(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    await manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    return { isActive: this.transaction.isActive };
  }

  @Post('failing')
  async failing(@Body() { item }: Dto) {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    throw kept;
  }

  @Post('serializable')
  @RiverTransactional({ isolation: 'SERIALIZABLE' })
  async serializable(@TransactionManager() manager: EntityManager) {
    await this.river.insert(new SendReceipt('a'));
    return await manager.query<unknown>(`select current_setting('transaction_isolation') as level`);
  }
}

let database: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase(2);
  shop = await startShopApp({
    controllers: [OrdersController, AllInTransactionsController],
    modules: [riverOn(database.dataSource)],
    prepare: (app) => app.useGlobalFilters(new RecordingFilter()),
  });
});
afterEach(async () => {
  caught.length = 0;
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

describe('a handler with @RiverTransactional()', () => {
  test('that answers has stored its order and its job', async () => {
    const answer = await shop.post('/orders', { item: 'book' });
    expect(answer).toMatchObject({
      status: 201,
      body: { order: 'book', job: { kind: 'send_receipt', args: { item: 'book' } } },
    });
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
  });

  test('that throws has stored nothing, and the filters get the very exception', async () => {
    const answer = await shop.post('/orders/conflict', { item: 'book' });
    expect(answer.status).toBe(409);
    expect(caught).toEqual([kept]);
    expect(caught[0]).toBe(kept);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('that fails in the database has stored nothing', async () => {
    expect(await shop.post('/orders/database-error')).toMatchObject({ status: 500 });
    expect(caught).toMatchObject([{ name: 'QueryFailedError' }]);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('that swallowed an error of the database does not answer that all is well', async () => {
    expect(await shop.post('/orders/swallowed')).toMatchObject({ status: 500 });
    expect(caught).toMatchObject([{ name: 'TransactionRolledBackError' }]);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('answers after the COMMIT only: one that fails is an error', async () => {
    expect(await shop.post('/orders/deferred')).toMatchObject({ status: 500 });
    expect(caught).toMatchObject([{ name: 'DatabaseError', sqlState: '23505' }]);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('may answer nothing', async () => {
    expect(await shop.post('/orders/empty')).toEqual({ status: 204, body: '' });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });

  test('takes the isolation level of the decorator', async () => {
    expect(await shop.post('/orders/serializable')).toMatchObject({
      body: [{ level: 'serializable' }],
    });
  });

  test('serves many requests at once, over a small pool, without mixing them up', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        shop.post(n % 2 === 0 ? '/orders' : '/orders/conflict', { item: `${n}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 201 : 409)),
    );
    const { orders, jobs } = await database.stored();
    expect(orders.map(Number).sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(jobs).toBe(10);
  });
});

describe('a handler that answers an Observable', () => {
  test('runs it in the transaction, and answers after the COMMIT', async () => {
    const answer = await shop.post('/orders/observable', { item: 'book' });
    expect(answer).toEqual({ status: 201, body: { isActive: true, kind: 'send_receipt' } });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });

  test('of several values answers the last, as Nest does', async () => {
    expect(await shop.post('/orders/observables')).toMatchObject({ body: { item: 'b' } });
    expect(await database.stored()).toMatchObject({ jobs: 2 });
  });

  test('answers no value when the COMMIT fails', async () => {
    expect(await shop.post('/orders/observable-deferred')).toEqual({
      status: 500,
      body: { status: 500 },
    });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('rolls back when it fails after a value', async () => {
    expect(await shop.post('/orders/observable-failing')).toMatchObject({ status: 409 });
    expect(caught[0]).toBe(kept);
    expect(await database.stored()).toEqual(NOTHING);
  });
});

describe('a handler without the decorator', () => {
  test('is in no transaction', async () => {
    expect(await shop.get('/orders/plain')).toMatchObject({ body: { isActive: false } });
  });

  test('inserts by itself', async () => {
    expect(await shop.post('/orders/plain')).toMatchObject({ status: 500 });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });
});

describe('RiverTransactionInterceptor on a controller', () => {
  test('puts each handler in a transaction', async () => {
    const answer = await shop.post('/all', { item: 'book' });
    expect(answer).toEqual({ status: 201, body: { isActive: true } });
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
  });

  test('rolls back, and passes the exception on', async () => {
    expect(await shop.post('/all/failing', { item: 'book' })).toMatchObject({ status: 409 });
    expect(caught[0]).toBe(kept);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('takes the options of a handler that is decorated, too', async () => {
    expect(await shop.post('/all/serializable')).toMatchObject({
      status: 201,
      body: [{ level: 'serializable' }],
    });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });
});
