import {
  Body,
  Controller,
  createParamDecorator,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { map, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
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
} from './shop-app.js';

class Dto {
  readonly item: string = '';
}

/** Where the guard, the pipes and the interceptor ran, and what they saw. */
const seen: string[] = [];

@Injectable()
class RoleGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string>('role', context.getHandler());
    seen.push(`guard ${role} ${context.getHandler().name} ${this.transaction.isActive}`);
    return role !== 'nobody';
  }
}

@Injectable()
class RecordingPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'custom') seen.push(`pipe ${type} ${metatype?.name}`);
    return value;
  }
}

@Injectable()
class WrappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    seen.push('interceptor');
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const Role = (role: string) => SetMetadata('role', role);
const Method = createParamDecorator(
  (_data: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<{ method: string }>().method,
);

class FailingFilter {
  catch(_error: unknown, host: { switchToHttp(): { getResponse<T>(): T } }): void {
    const reply = host.switchToHttp().getResponse<{ status(code: number): { end(): void } }>();
    reply.status(418).end();
  }
}

abstract class Handlers {
  constructor(@Inject(RiverClient) protected readonly river: RiverClient) {}

  protected async store(item: string, manager: EntityManager): Promise<void> {
    await manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item === 'failing') throw new Error(item);
  }
}

@Controller('first')
class DecoratedFirstController extends Handlers {
  @RiverTransactional()
  @Post(':id')
  @HttpCode(202)
  @Header('x-mark', 'set')
  @Role('clerk')
  @UseGuards(RoleGuard)
  @UsePipes(RecordingPipe)
  @UseInterceptors(WrappingInterceptor)
  @UseFilters(FailingFilter)
  async create(
    @Param('id', ParseIntPipe) id: number,
    @Body() dto: Dto,
    @TransactionManager() manager: EntityManager,
    @Method() method: string,
  ) {
    await this.store(dto.item, manager);
    return { id, method };
  }

  @RiverTransactional()
  @Post('forbidden/:id')
  @Role('nobody')
  @UseGuards(RoleGuard)
  async forbidden(@TransactionManager() manager: EntityManager) {
    await this.store('never', manager);
  }
}

@Controller('last')
class DecoratedLastController extends Handlers {
  @Post(':id')
  @HttpCode(202)
  @Header('x-mark', 'set')
  @Role('clerk')
  @UseGuards(RoleGuard)
  @UsePipes(RecordingPipe)
  @UseInterceptors(WrappingInterceptor)
  @UseFilters(FailingFilter)
  @RiverTransactional()
  async create(
    @Param('id', ParseIntPipe) id: number,
    @Body() dto: Dto,
    @TransactionManager() manager: EntityManager,
    @Method() method: string,
  ) {
    await this.store(dto.item, manager);
    return { id, method };
  }

  @Post('forbidden/:id')
  @Role('nobody')
  @UseGuards(RoleGuard)
  @RiverTransactional()
  async forbidden(@TransactionManager() manager: EntityManager) {
    await this.store('never', manager);
  }
}

@Controller('middle')
class DecoratedBetweenController extends Handlers {
  @Post(':id')
  @HttpCode(202)
  @Role('clerk')
  @UseGuards(RoleGuard)
  @RiverTransactional()
  @Header('x-mark', 'set')
  @UsePipes(RecordingPipe)
  @UseInterceptors(WrappingInterceptor)
  @UseFilters(FailingFilter)
  async create(
    @Param('id', ParseIntPipe) id: number,
    @Body() dto: Dto,
    @TransactionManager() manager: EntityManager,
    @Method() method: string,
  ) {
    await this.store(dto.item, manager);
    return { id, method };
  }

  @Role('nobody')
  @RiverTransactional()
  @UseGuards(RoleGuard)
  @Post('forbidden/:id')
  async forbidden(@TransactionManager() manager: EntityManager) {
    await this.store('never', manager);
  }
}

@Controller('inherited')
class InheritingController extends DecoratedLastController {
  @Get('own')
  own() {
    return 'own';
  }
}

class DecoratedBase extends Handlers {
  @Post()
  @RiverTransactional()
  async place(): Promise<void> {
    await this.river.insert(new SendReceipt('rolled back'));
    throw new Error('in a transaction');
  }
}

@Controller('base')
class BaseController extends DecoratedBase {}

@Controller('overriding')
class OverridingController extends DecoratedBase {
  @Post()
  override async place(): Promise<void> {
    await this.river.insert(new SendReceipt('by itself'));
    throw new Error('not in a transaction');
  }
}

let database: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase();
  shop = await startShopApp({
    controllers: [
      DecoratedFirstController,
      DecoratedLastController,
      DecoratedBetweenController,
      InheritingController,
      BaseController,
      OverridingController,
    ],
    modules: [riverOn(database.dataSource)],
  });
});
afterEach(async () => {
  seen.length = 0;
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

describe.each(['first', 'last', 'middle', 'inherited'])('with the decorator %s', (path) => {
  test('guards, pipes, parameters, interceptors and headers work as without it', async () => {
    const answer = await shop.post(`/${path}/7`, { item: 'book' });
    expect(answer).toEqual({
      status: 202,
      body: { data: { id: 7, method: 'POST' } },
    });
    expect([...seen].sort()).toEqual([
      'guard clerk create false',
      'interceptor',
      'pipe body Dto',
      'pipe param Number',
    ]);
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
  });

  test('a pipe that refuses keeps its answer', async () => {
    expect(await shop.post(`/${path}/seven`, { item: 'book' })).toMatchObject({ status: 418 });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('an exception filter answers, and nothing is stored', async () => {
    expect(await shop.post(`/${path}/7`, { item: 'failing' })).toMatchObject({ status: 418 });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('a guard that refuses keeps the transaction from being opened', async () => {
    expect(await shop.post(`/${path}/forbidden/7`)).toMatchObject({ status: 403 });
    expect(seen).toEqual(['guard nobody forbidden false']);
  });
});

describe('a handler that overrides a decorated one', () => {
  test('is in no transaction unless it is decorated itself', async () => {
    expect(await shop.post('/base')).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
    expect(await shop.post('/overriding')).toMatchObject({ status: 500 });
    expect(await database.stored()).toMatchObject({ jobs: 1 });
  });
});
