import { Body, Controller, Get, Post, UnprocessableEntityException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RiverTransactional } from 'nestjs-river';
import { createOrderBody, type CreateOrderBody } from './create-order.body.js';
import { Order } from './order.entity.js';
import { OrdersService, type PlacedOrder } from './orders.service.js';

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  @ApiOperation({ summary: 'The latest orders, newest first' })
  @ApiOkResponse({ type: Order, isArray: true })
  list(): Promise<Order[]> {
    return this.orders.latest(50);
  }

  /** One transaction for the request. The answer leaves when it is committed, not before. */
  @Post()
  @RiverTransactional()
  @ApiOperation({ summary: 'Store an order and its jobs in one transaction' })
  async create(@Body({ schema: createOrderBody }) body: CreateOrderBody): Promise<PlacedOrder> {
    const placed = await this.orders.place(body);
    if (body.failAfterInsert === true) {
      throw new UnprocessableEntityException(
        `Failed on purpose, after order ${placed.order.id} and its jobs ` +
          `${placed.jobIds.join(', ')} were inserted. All of it is rolled back.`,
      );
    }
    return placed;
  }
}
