import {
  Body,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Next,
  Post,
  Res,
  SetMetadata,
  Sse,
  UseInterceptors,
  type DynamicModule,
  type INestApplication,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, ModuleRef } from '@nestjs/core';
import { Cron } from '@nestjs/schedule';
import { OnEvent } from '@nestjs/event-emitter';
import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { Ack, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  MessagePattern,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { interval, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import {
  RiverConfigurationError,
  RiverTransactional,
  RiverTransactionInterceptor,
  TransactionManager,
  TransactionQueryRunner,
} from 'nestjs-river';
import { createShopDatabase, riverOn, startShopApp, type ShopDatabase } from '../http/shop-app.js';

let database: ShopDatabase;
beforeAll(async () => {
  database = await createShopDatabase();
});
afterAll(() => database.dataSource.destroy());

interface Parts {
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly modules?: (Type | DynamicModule)[];
}

/** Starts an application, as far as its own start-up goes, and ends it. */
async function start({ controllers = [], providers = [], modules = [] }: Parts): Promise<void> {
  const testing = await Test.createTestingModule({
    imports: [...modules, riverOn(database.dataSource)],
    controllers,
    providers,
  }).compile();
  const app: INestApplication = testing.createNestApplication({ logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  try {
    await app.init();
  } finally {
    await app.close();
  }
}

async function refusal(parts: Parts): Promise<string> {
  const error = await start(parts).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RiverConfigurationError);
  expect(error).toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS' });
  return (error as Error).message;
}

@Controller('sse')
class SseController {
  @Sse('ticks')
  @RiverTransactional()
  ticks(): Observable<{ data: number }> {
    return interval(1) as never;
  }
}

@Controller('sse-first')
class SseBeneathController {
  @RiverTransactional()
  @Sse('ticks')
  ticks(): Observable<{ data: number }> {
    return interval(1) as never;
  }
}

@Controller('sse-class')
@UseInterceptors(RiverTransactionInterceptor)
class SseUnderInterceptorController {
  @Sse('ticks')
  ticks(): Observable<{ data: number }> {
    return interval(1) as never;
  }
}

class PlainSseController {
  @Sse('inherited-ticks')
  ticks(): Observable<{ data: number }> {
    return interval(1) as never;
  }
}

@Controller('sse-inherited')
@UseInterceptors(RiverTransactionInterceptor)
class InheritedSseController extends PlainSseController {}

@Controller('res')
class RetriedResController {
  @Post()
  @RiverTransactional({ retries: 1 })
  async create(@Body() _body: unknown, @Res() _response: unknown): Promise<void> {}
}

@Controller('next')
class RetriedNextController {
  @Post()
  @RiverTransactional({ retries: 1 })
  async create(@Next() _next: unknown): Promise<void> {}
}

@WebSocketGateway()
class RetriedAckGateway {
  @SubscribeMessage('create')
  @RiverTransactional({ retries: 1 })
  async create(@Ack() _ack: unknown): Promise<void> {}
}

@Controller()
class RetriedStreamController {
  @GrpcStreamMethod('Orders')
  @RiverTransactional({ retries: 1 })
  async create(): Promise<void> {}
}

@Controller()
class RetriedCallController {
  @GrpcStreamCall('Orders')
  @RiverTransactional({ retries: 1 })
  async create(): Promise<void> {}
}

@Resolver()
class SubscriptionResolver {
  @Subscription(() => String)
  @RiverTransactional()
  async ticks(): Promise<unknown> {
    return undefined;
  }
}

@Injectable()
class ServiceWithParameter {
  @RiverTransactional()
  async place(@TransactionManager() _manager?: EntityManager): Promise<void> {}
}

@Injectable()
class UndecoratedServiceWithParameter {
  async place(@TransactionQueryRunner() _runner?: unknown): Promise<void> {}
}

@Injectable()
class InheritingServiceWithParameter extends ServiceWithParameter {}

@Injectable()
class CronWithParameter {
  @Cron('* * * * * *')
  @RiverTransactional()
  async tick(@TransactionManager() _manager?: EntityManager): Promise<void> {}
}

@Injectable()
class ListenerWithParameter {
  @OnEvent('placed')
  @RiverTransactional()
  async placed(@TransactionManager() _manager?: EntityManager): Promise<void> {}
}

@Controller()
class HelperOfControllerWithParameter {
  @Get()
  async list(): Promise<void> {}

  async place(@TransactionManager() _manager?: EntityManager): Promise<void> {}
}

@Controller()
class RpcOnDisconnectController {
  @MessagePattern('create')
  @RiverTransactional({ onDisconnect: 'rollback' })
  async create(): Promise<void> {}
}

@Injectable()
class ServiceOnDisconnect {
  @RiverTransactional({ onDisconnect: 'rollback' })
  async create(): Promise<void> {}
}

@Injectable()
class Placing {
  @RiverTransactional()
  async place(): Promise<void> {}
}

class PlacingMore extends Placing {}

/** Replaces what would be refused, and has no transaction of its own. */
@Injectable()
class ServiceWithoutDisconnect extends ServiceOnDisconnect {
  override async create(): Promise<void> {}
}

const REFUSED: [string, Parts, RegExp][] = [
  ['an SSE stream', { controllers: [SseController] }, /^SseController\.ticks: .*without an end/],
  [
    'an SSE stream, decorated first',
    { controllers: [SseBeneathController] },
    /^SseBeneathController/,
  ],
  [
    'an SSE stream under an interceptor on its controller',
    { controllers: [SseUnderInterceptorController] },
    /^SseUnderInterceptorController\.ticks/,
  ],
  [
    'an inherited SSE stream under an interceptor',
    { controllers: [InheritedSseController] },
    /^InheritedSseController\.ticks/,
  ],
  [
    'a subscription of GraphQL',
    { providers: [SubscriptionResolver] },
    /^SubscriptionResolver\.ticks: .*without an end/,
  ],
  ['retries with @Res()', { controllers: [RetriedResController] }, /\.create: `retries` .*@Res/],
  ['retries with @Next()', { controllers: [RetriedNextController] }, /\.create: `retries` .*@Next/],
  ['retries with @Ack()', { providers: [RetriedAckGateway] }, /\.create: `retries` .*@Ack/],
  [
    'retries on an incoming stream of gRPC',
    { controllers: [RetriedStreamController] },
    /\.create: `retries` .*stream/,
  ],
  [
    'retries on a call of gRPC that is passed through',
    { controllers: [RetriedCallController] },
    /\.create: `retries` .*stream/,
  ],
  [
    'a parameter on a method of a service',
    { providers: [ServiceWithParameter] },
    /^ServiceWithParameter\.place: .*no handler/,
  ],
  [
    'a parameter on a method that is in no transaction',
    { providers: [UndecoratedServiceWithParameter] },
    /^UndecoratedServiceWithParameter\.place: .*no handler/,
  ],
  [
    'an inherited parameter',
    { providers: [InheritingServiceWithParameter] },
    /^InheritingServiceWithParameter\.place/,
  ],
  ['a parameter on a cron job', { providers: [CronWithParameter] }, /\.tick: .*no handler/],
  ['a parameter on a listener', { providers: [ListenerWithParameter] }, /\.placed: .*no handler/],
  [
    "a parameter on a controller's method without a route",
    { controllers: [HelperOfControllerWithParameter] },
    /\.place: .*no handler/,
  ],
  [
    'onDisconnect on a message handler',
    { controllers: [RpcOnDisconnectController] },
    /\.create: onDisconnect/,
  ],
  ['onDisconnect on a service', { providers: [ServiceOnDisconnect] }, /\.create: onDisconnect/],
  [
    'an object made by a factory',
    { providers: [{ provide: 'placing', useFactory: () => new Placing() }] },
    /^Placing\.place: .*not made by Nest/,
  ],
  [
    'an object given as a value, its method inherited',
    { providers: [{ provide: 'placing', useValue: new PlacingMore() }] },
    /^PlacingMore\.place: .*not made by Nest/,
  ],
];

describe('refused at start-up', () => {
  test.each(REFUSED)('%s', async (_what, parts, message) => {
    expect(await refusal(parts)).toMatch(message);
  });

  test('wherever in the application it is, and whichever module is imported first', async () => {
    @Module({ controllers: [SseController] })
    class FeatureModule {}
    expect(await refusal({ modules: [FeatureModule] })).toMatch(/^SseController/);
  });
});

@Controller('good')
class GoodController {
  @Sse('ticks')
  ticks(): Observable<{ data: number }> {
    return interval(1) as never;
  }

  @Post('passthrough')
  @RiverTransactional({ retries: 1, onDisconnect: 'rollback' })
  async passthrough(
    @Res({ passthrough: true }) _response: unknown,
    @TransactionManager() _manager: EntityManager,
  ): Promise<void> {}

  @Post('by-itself')
  @RiverTransactional()
  async byItself(@Res() _response: unknown): Promise<void> {}

  @GrpcMethod('Orders')
  @RiverTransactional({ retries: 1 })
  async unary(@TransactionManager() _manager: EntityManager): Promise<void> {}
}

@Controller('overriding')
class OverridingController extends GoodController {
  // No route of its own, so Nest gives it nothing; whoever calls it does.
  override async passthrough(response: unknown, manager: EntityManager): Promise<void> {
    return await super.passthrough(response, manager);
  }
}

@Resolver()
class GoodResolver {
  @Query(() => String)
  @RiverTransactional({ retries: 1 })
  async find(@TransactionManager() _manager: EntityManager): Promise<string> {
    return '';
  }
}

@WebSocketGateway()
class GoodGateway {
  @SubscribeMessage('create')
  @RiverTransactional({ retries: 1 })
  async create(@TransactionManager() _manager: EntityManager): Promise<void> {}
}

/** Of a transport that we do not know, whose decorator leaves its own mark. */
@Injectable()
class ForeignHandlers {
  @SetMetadata('some-transport:handler', 'create')
  async create(@TransactionManager() _manager: EntityManager): Promise<void> {}
}

const ALLOWED: [string, Parts][] = [
  ['controllers', { controllers: [GoodController, OverridingController] }],
  ['resolvers', { providers: [GoodResolver] }],
  ['gateways', { providers: [GoodGateway] }],
  ['a method that overrides a refused one', { providers: [ServiceWithoutDisconnect] }],
  ['handlers of an unknown transport', { providers: [ForeignHandlers] }],
  ['alias of a provider', { providers: [Placing, { provide: 'alias', useExisting: Placing }] }],
  [
    'an object that the factory lets Nest make',
    {
      providers: [
        {
          provide: 'placing',
          inject: [ModuleRef],
          useFactory: (modules: ModuleRef) => modules.create(Placing),
        },
      ],
    },
  ],
  [
    'values of every sort',
    {
      providers: [
        { provide: 'null', useValue: null },
        { provide: 'bare', useValue: Object.create(null) as object },
        { provide: 'text', useValue: 'text' },
        { provide: 'class', useValue: PlacingMore },
        { provide: 'double', useValue: { place: async () => undefined } },
        { provide: 'nothing', useFactory: () => undefined },
      ],
    },
  ],
];

describe('allowed', () => {
  test.each(ALLOWED)('%s', async (_what, parts) => {
    await expect(start(parts)).resolves.toBeUndefined();
  });
});

describe('seen at the call only', () => {
  test('a global interceptor over an SSE stream is refused there', async () => {
    const shop = await startShopApp({
      controllers: [GoodController],
      providers: [{ provide: APP_INTERCEPTOR, useClass: RiverTransactionInterceptor }],
      modules: [riverOn(database.dataSource)],
    });
    const { status } = await shop.get('/good/ticks');
    await shop.stop();
    expect(status).toBe(500);
  });

  test('a class that is neither provider nor controller', async () => {
    class Unknown {
      @RiverTransactional()
      async place(): Promise<void> {}
    }
    @Injectable()
    class Maker {
      readonly unknown = new Unknown();
      constructor(@Inject(ModuleRef) readonly modules: ModuleRef) {}
    }
    await start({ providers: [Maker] });
    const made = new Unknown();
    expect(() => made.place()).toThrow('was not made by Nest');
  });
});
