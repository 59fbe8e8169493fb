import type { IncomingMessage } from 'node:http';
import { Body, Controller, Inject, Injectable, Post, Scope } from '@nestjs/common';
import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { OnEvent } from '@nestjs/event-emitter';
import { Cron, CronExpression, Interval } from '@nestjs/schedule';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import { from, type Observable } from 'rxjs';
import type { EntityManager } from 'typeorm';
import { RiverTransaction, RiverTransactional, TransactionManager } from 'nestjs-river';
import { OrdersStore } from './orders.js';

interface Dto {
  readonly item: string;
}

abstract class Handlers {
  constructor(
    @Inject(OrdersStore) protected readonly orders: OrdersStore,
    @Inject(RiverTransaction) protected readonly transaction: RiverTransaction,
  ) {}

  /** Whether the manager that the handler was given is the one of the running transaction. */
  protected async place(item: string, manager?: EntityManager): Promise<string> {
    if (manager !== undefined && manager !== this.transaction.manager) throw new Error('another');
    return await this.orders.place(item);
  }
}

@Controller('orders')
export class HttpHandlers extends Handlers {
  @Post()
  @RiverTransactional()
  async create(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    return { item: await this.place(item, manager) };
  }
}

@Controller({ path: 'request-scoped', scope: Scope.REQUEST })
export class RequestScopedHandlers extends Handlers {
  @Post()
  @RiverTransactional()
  async create(@Body() { item }: Dto, @TransactionManager() manager: EntityManager) {
    return { item: await this.place(item, manager) };
  }
}

@Controller('inherited')
export class InheritedHandlers extends HttpHandlers {}

@Controller()
export class MessageHandlers extends Handlers {
  @MessagePattern('place')
  @RiverTransactional()
  async message(@Payload() { item }: Dto, @TransactionManager() manager: EntityManager) {
    return await this.place(item, manager);
  }

  @MessagePattern('place.stream')
  @RiverTransactional()
  stream(@Payload() { item }: Dto): Observable<string> {
    return from(this.place(item));
  }

  @EventPattern('placed')
  @RiverTransactional()
  async event(@Payload() { item }: Dto): Promise<void> {
    await this.place(item);
  }
}

@WebSocketGateway({ path: '/ws' })
export class SocketHandlers extends Handlers implements OnGatewayConnection {
  @SubscribeMessage('place')
  @RiverTransactional()
  async message(@MessageBody() { item }: Dto, @TransactionManager() manager: EntityManager) {
    return { event: 'placed', data: await this.place(item, manager) };
  }

  /** Nest calls it by itself, without interceptors. */
  @RiverTransactional()
  async handleConnection(_socket: unknown, request: IncomingMessage): Promise<void> {
    const item = new URL(request.url ?? '', 'ws://host').searchParams.get('item');
    if (item !== null) await this.place(item);
  }
}

@Resolver()
export class GraphqlHandlers extends Handlers {
  @Query(() => String)
  shop(): string {
    return 'shop';
  }

  @Mutation(() => String)
  @RiverTransactional()
  async placeOrder(
    @Args('item', { type: () => String }) item: string,
    @TransactionManager() manager: EntityManager,
  ): Promise<string> {
    return await this.place(item, manager);
  }
}

@Injectable()
export class Jobs extends Handlers {
  /** What the next turn shall place. */
  readonly next = { cron: '', interval: '' };

  @Cron(CronExpression.EVERY_YEAR, { name: 'cron' })
  @RiverTransactional()
  async cron(): Promise<void> {
    await this.place(this.next.cron);
  }

  @RiverTransactional()
  @Interval('interval', 20)
  async interval(): Promise<void> {
    const item = this.next.interval;
    this.next.interval = '';
    if (item !== '') await this.place(item);
  }
}

@Injectable()
export class Listeners extends Handlers {
  @OnEvent('placed')
  @RiverTransactional()
  async above({ item }: Dto): Promise<void> {
    await this.place(item);
  }

  @RiverTransactional()
  @OnEvent('placed.beneath')
  async beneath({ item }: Dto): Promise<void> {
    await this.place(item);
  }
}

abstract class BaseListeners extends Handlers {
  @OnEvent('placed.base')
  @RiverTransactional()
  async base({ item }: Dto): Promise<void> {
    await this.place(item);
  }
}

@Injectable()
export class InheritingListeners extends BaseListeners {}

@Injectable({ scope: Scope.REQUEST })
export class RequestScopedListeners extends Handlers {
  @OnEvent('placed.request')
  @RiverTransactional()
  async listen({ item }: Dto): Promise<void> {
    await this.place(item);
  }
}
