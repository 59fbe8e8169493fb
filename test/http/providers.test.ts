import { Body, Controller, Inject, Injectable, Post, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defer, from, type Observable } from 'rxjs';
import {
  RiverClient,
  RiverConfigurationError,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

@Injectable()
class OrdersService {
  constructor(
    @Inject(RiverClient) protected readonly river: RiverClient,
    @Inject(RiverTransaction) protected readonly transaction: RiverTransaction,
  ) {}

  @RiverTransactional()
  async place(item: string): Promise<string> {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
    return `placed ${item}`;
  }

  @RiverTransactional()
  async placeBoth(first: string, second: string): Promise<void> {
    await this.place(first);
    await this.place(second);
  }

  @RiverTransactional({ isolation: 'SERIALIZABLE' })
  async level(): Promise<unknown> {
    return await this.transaction.manager.query(
      `select current_setting('transaction_isolation') as level`,
    );
  }

  @RiverTransactional()
  observable(): Observable<unknown> {
    return defer(() => from(this.river.insert(new SendReceipt('too late'))));
  }

  @RiverTransactional()
  async promiseOfObservable(): Promise<unknown> {
    return defer(() => from(this.river.insert(new SendReceipt('too late'))));
  }

  @RiverTransactional()
  async generator(): Promise<unknown> {
    const { river } = this;
    return (async function* () {
      yield await river.insert(new SendReceipt('too late'));
    })();
  }
}

@Injectable()
class InheritingService extends OrdersService {}

@Injectable()
class OverridingService extends OrdersService {
  override async place(item: string): Promise<string> {
    return `${await super.place(item)} by its parent`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestService {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @RiverTransactional()
  async place(item: string): Promise<void> {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientService extends OrdersService {}

interface Dto {
  readonly item: string;
}

@Controller('service')
class ServiceController {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(RequestService) private readonly perRequest: RequestService,
    @Inject(TransientService) private readonly transient: TransientService,
  ) {}

  @Post('plain')
  async plain(@Body() { item }: Dto) {
    return await this.orders.place(item);
  }

  @Post('joined')
  @RiverTransactional()
  async joined(@Body() { item }: Dto) {
    await this.orders.place('before');
    return await this.orders.place(item);
  }

  @Post('request-scoped')
  async requestScoped(@Body() { item }: Dto) {
    await this.perRequest.place(item);
  }

  @Post('transient')
  async transientScoped(@Body() { item }: Dto) {
    await this.transient.place(item);
  }
}

@Controller({ path: 'request-scoped', scope: Scope.REQUEST })
class RequestScopedController {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @Post()
  @RiverTransactional()
  async place(@Body() { item }: Dto) {
    await this.transaction.manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
  }
}

/** The decorator as it reaches what the types would refuse. */
const decorate = RiverTransactional().bind(undefined, {}, 'place') as (given: unknown) => void;
const accessor = { get: () => async () => undefined };

const PROVIDERS = [
  OrdersService,
  InheritingService,
  OverridingService,
  RequestService,
  TransientService,
];

let database: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase();
  shop = await startShopApp({
    controllers: [ServiceController, RequestScopedController],
    providers: PROVIDERS,
    modules: [riverOn(database.dataSource)],
  });
});
afterEach(() => database.forget());
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

describe.each([OrdersService, InheritingService, OverridingService])(
  'a decorated method of %p',
  (service) => {
    test('commits before it resolves', async () => {
      expect(await shop.app.get(service).place('book')).toContain('placed book');
      expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
    });

    test('rolls back when it throws', async () => {
      await expect(shop.app.get(service).place('failing')).rejects.toThrow('failing');
      expect(await database.stored()).toEqual(NOTHING);
    });

    test('joins the one that called it', async () => {
      const both = shop.app.get(service).placeBoth('book', 'failing');
      await expect(both).rejects.toThrow('failing');
      expect(await database.stored()).toEqual(NOTHING);
    });
  },
);

describe('a decorated method of a provider', () => {
  test('opens a transaction for each call from outside', async () => {
    const service = shop.app.get(OrdersService);
    const calls = ['a', 'failing', 'b'].map((item) => service.place(item));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const { orders, jobs } = await database.stored();
    expect(orders.sort()).toEqual(['a', 'b']);
    expect(jobs).toBe(2);
  });

  test('takes the options of the decorator', async () => {
    expect(await shop.app.get(OrdersService).level()).toEqual([{ level: 'serializable' }]);
  });

  test('keeps its name', () => {
    expect(shop.app.get(OrdersService).place.name).toBe('place');
  });

  test('must not answer an Observable, which would run after the end', async () => {
    const answer = shop.app.get(OrdersService).observable() as unknown as Promise<unknown>;
    await expect(answer).rejects.toMatchObject({ code: 'RIVER_INVALID_TRANSACTION' });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test.each([
    ['/service/plain', 1],
    ['/service/joined', 2],
    ['/service/request-scoped', 1],
    ['/service/transient', 1],
    ['/request-scoped', 1],
  ])('works over HTTP: %s', async (path, jobs) => {
    expect(await shop.post(path, { item: 'book' })).toMatchObject({ status: 201 });
    expect(await database.stored()).toMatchObject({ jobs });
    await database.forget();
    expect(await shop.post(path, { item: 'failing' })).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
  });
});

describe('where it cannot work', () => {
  test('on a static method it is refused when the class is made', () => {
    const declare = (): unknown => {
      class Wrong {
        @RiverTransactional()
        static async place(): Promise<void> {}
      }
      return Wrong;
    };
    expect(declare).toThrow(RiverConfigurationError);
    expect(declare).toThrow('static');
  });

  test.each<[string, () => unknown]>([
    ['is no method', () => accessor],
    ['is no method', () => undefined],
    ['is a generator', () => ({ value: async function* () {} })],
    ['is a generator', () => ({ value: function* () {} })],
  ])('what %s is refused when the class is made (%#)', (reason, descriptor) => {
    const declare = () => decorate(descriptor());
    expect(declare).toThrow(RiverConfigurationError);
    expect(declare).toThrow(`place ${reason}`);
  });

  test('twice for one client is refused when the class is made', () => {
    const declare = (): unknown => {
      class Wrong {
        @RiverTransactional({ name: 'default' })
        @RiverTransactional()
        async place(): Promise<void> {}
      }
      return Wrong;
    };
    expect(declare).toThrow("place is decorated twice for the client 'default'");
  });

  test.each(['promiseOfObservable', 'generator'] as const)(
    'an answer that would run after the end is refused: %s',
    async (method) => {
      const answer = shop.app.get(OrdersService)[method]();
      await expect(answer).rejects.toMatchObject({ code: 'RIVER_INVALID_TRANSACTION' });
      expect(await database.stored()).toEqual(NOTHING);
    },
  );

  test('on an object made without Nest the call is refused, and says what to do', async () => {
    const river = shop.app.get(RiverClient);
    const made = new OrdersService(river, shop.app.get(RiverTransaction));
    const error = await Promise.resolve()
      .then(() => made.place('book'))
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RiverConfigurationError);
    expect((error as Error).message).toContain('was not made by Nest');
    expect(await database.stored()).toEqual(NOTHING);
  });

  test("a missing RiverModule is Nest's own error at start-up", async () => {
    @Injectable()
    class Alone {
      @RiverTransactional()
      async place(): Promise<void> {}
    }
    const module = Test.createTestingModule({ providers: [Alone] });
    await expect(module.compile()).rejects.toThrow(/Nest can't resolve dependencies of the Alone/);
  });

  test("a name that no module has is Nest's own error at start-up", async () => {
    @Controller()
    class Misnamed {
      @Post()
      @RiverTransactional({ name: 'biling' })
      async place(): Promise<void> {}
    }
    const module = Test.createTestingModule({
      imports: [riverOn(database.dataSource)],
      controllers: [Misnamed],
    });
    await expect(module.compile()).rejects.toThrow(/RiverTransaction.*biling/);
  });
});
