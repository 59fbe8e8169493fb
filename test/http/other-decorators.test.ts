import {
  Controller,
  Get,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { ApiOkResponse, ApiOperation, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RiverClient, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

/** What a decorator of an application puts on the function itself, as caches and metrics do. */
const LABEL = Symbol('label');
interface Marked {
  readonly name: string;
  readonly length: number;
  calls: number;
  readonly [LABEL]: string;
  readonly hidden: string;
  readonly computed: number;
}
function Mark(label: string): MethodDecorator {
  return (_target, _key, descriptor) => {
    const method = descriptor.value as object;
    Object.assign(method, { calls: 0, [LABEL]: label });
    Object.defineProperty(method, 'hidden', { value: `hidden ${label}` });
    Object.defineProperty(method, 'computed', {
      get(this: Marked) {
        return this.calls * 2;
      },
    });
  };
}

/** A decorator that wraps the method, and counts on the function that it was given. */
function CountCalls(): MethodDecorator {
  return (_target, _key, descriptor) => {
    const original = descriptor.value as ((...args: unknown[]) => unknown) & { calls?: number };
    original.calls ??= 0;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      wrapper.calls++;
      return original.apply(this, args);
    };
    wrapper.calls = 0;
    descriptor.value = wrapper as never;
  };
}

const guarded: string[] = [];

@Injectable()
class RecordingGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    guarded.push(this.reflector.get<string>('role', context.getHandler()));
    return true;
  }
}

abstract class Base {
  constructor(
    @Inject(RiverClient) protected readonly river: RiverClient,
    @Inject(RiverTransaction) protected readonly transaction: RiverTransaction,
  ) {}

  async #store(item: string): Promise<boolean> {
    await this.river.insert(new SendReceipt(item));
    return this.transaction.isActive;
  }

  protected store = (item: string): Promise<boolean> => this.#store(item);
}

@Controller('above')
class Above extends Base {
  @RiverTransactional()
  @Get()
  @SetMetadata('role', 'clerk')
  @UseGuards(RecordingGuard)
  @ApiOperation({ summary: 'place an order' })
  @ApiOkResponse({ type: Boolean })
  @Mark('handler')
  async handler() {
    return await this.store('handler');
  }

  @RiverTransactional()
  @Cron('0 0 1 1 *', { name: 'above', waitForCompletion: true })
  @SetMetadata('role', 'nightly')
  @Mark('job')
  async nightly() {
    await this.store('nightly');
  }

  @RiverTransactional()
  @OnEvent('order.placed')
  @Mark('listener')
  async listen(item: string, _second: number) {
    await this.store(item);
  }

  @RiverTransactional()
  @CountCalls()
  async counted() {
    return await this.store('counted');
  }
}

@Controller('below')
class Below extends Base {
  @Mark('handler')
  @ApiOkResponse({ type: Boolean })
  @ApiOperation({ summary: 'place an order' })
  @UseGuards(RecordingGuard)
  @SetMetadata('role', 'clerk')
  @Get()
  @RiverTransactional()
  async handler() {
    return await this.store('handler');
  }

  @Mark('job')
  @SetMetadata('role', 'nightly')
  @Cron('0 0 1 1 *', { name: 'below', waitForCompletion: true })
  @RiverTransactional()
  async nightly() {
    await this.store('nightly');
  }

  @Mark('listener')
  @OnEvent('order.placed')
  @RiverTransactional()
  async listen(item: string, _second: number) {
    await this.store(item);
  }

  @CountCalls()
  @RiverTransactional()
  async counted() {
    return await this.store('counted');
  }
}

let shop: ShopDatabase;
let shopApp: ShopApp;
beforeAll(async () => {
  shop = await createShopDatabase();
  shopApp = await startShopApp({
    controllers: [Above, Below],
    modules: [ScheduleModule.forRoot(), EventEmitterModule.forRoot(), riverOn(shop.dataSource)],
  });
});
afterAll(async () => {
  await shopApp.stop();
  await shop.dataSource.destroy();
});
afterEach(async () => {
  guarded.length = 0;
  await shop.forget();
});

describe.each([
  { order: 'above', type: Above },
  { order: 'below', type: Below },
])('@RiverTransactional() $order the decorators of other packages', ({ order, type }) => {
  const own = (name: keyof Above): Marked => Reflect.get(type.prototype, name) as unknown as Marked;

  test.each([
    ['handler', 'handler', 0],
    ['nightly', 'job', 0],
    ['listen', 'listener', 2],
  ] as const)('keeps the own properties of %s', (name, label, length) => {
    const method = own(name);
    expect([method.name, method.length]).toEqual([name, length]);
    expect([method.calls, method.computed, method[LABEL]]).toEqual([0, 0, label]);
    expect(Object.getOwnPropertyDescriptor(method, 'hidden')).toMatchObject({
      value: `hidden ${label}`,
      enumerable: false,
      writable: false,
    });
    expect(Object.getOwnPropertyDescriptor(method, 'computed')).toMatchObject({
      get: expect.any(Function) as unknown,
    });
    expect(Object.keys(method)).toEqual(['calls']);
    expect(Object.getOwnPropertySymbols(method)).toEqual([LABEL]);
  });

  test('leaves the method an asynchronous function to whoever looks', () => {
    expect(own('handler').constructor.name).toBe('AsyncFunction');
  });

  test('shows a value that is changed on the function later', async () => {
    const before = own('counted').calls;
    await expect(shopApp.app.get<Above | Below>(type).counted()).resolves.toBe(true);
    expect(own('counted').calls).toBe(before + 1);
  });

  test('the handler is guarded, and runs in a transaction', async () => {
    await expect(shopApp.get(`/${order}`)).resolves.toEqual({ status: 200, body: true });
    expect(guarded).toEqual(['clerk']);
  });

  test('the handler is in the OpenAPI document', () => {
    const document = SwaggerModule.createDocument(shopApp.app, new DocumentBuilder().build());
    expect(document.paths[`/${order}`]?.get).toMatchObject({
      summary: 'place an order',
      responses: { 200: { content: { 'application/json': { schema: { type: 'boolean' } } } } },
    });
  });

  test('the cron job is registered once, and each run is a transaction', async () => {
    await shopApp.app.get(SchedulerRegistry).getCronJob(order).fireOnTick();
    await expect(shop.stored()).resolves.toMatchObject({ jobs: 1 });
  });
});

test('an event reaches the listeners of both orders once', async () => {
  await shopApp.app.get(EventEmitter2).emitAsync('order.placed', 'an item', 2);
  await expect(shop.stored()).resolves.toMatchObject({ jobs: 2 });
});
