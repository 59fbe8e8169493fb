import { BadRequestException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { RiverClient } from 'nestjs-river';
import { Repository } from 'typeorm';
import { ReserveStock } from '../jobs/args/reserve-stock.js';
import { SendReceipt } from '../jobs/args/send-receipt.js';
import { CATALOGUE, isSku } from './catalogue.js';
import type { CreateOrderBody } from './create-order.body.js';
import { Order } from './order.entity.js';

/** An order just placed, with the ids of the jobs that came with it. */
export interface PlacedOrder {
  readonly order: Order;
  readonly jobIds: readonly string[];
}

@Injectable()
export class OrdersService {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly river: RiverClient,
  ) {}

  latest(limit: number): Promise<Order[]> {
    return this.orders.find({ order: { id: 'DESC' }, take: limit });
  }

  count(): Promise<number> {
    return this.orders.count();
  }

  /**
   * Stores an order and its jobs: both join the transaction that the controller opened for the
   * request, and go or stay together.
   */
  async place(body: CreateOrderBody): Promise<PlacedOrder> {
    const items = body.items.map(({ sku, quantity }) => {
      if (!isSku(sku)) throw new BadRequestException(`There is no article "${sku}".`);
      return { sku, quantity, priceCents: CATALOGUE[sku] };
    });
    const totalCents = items.reduce((sum, item) => sum + item.quantity * item.priceCents, 0);
    const order = await this.orders.save({ email: body.email, totalCents, items });

    const receipt = await this.river.insert(new SendReceipt(order.id, order.email));
    const reservations = await this.river.insertMany(
      items.map(({ sku, quantity }) => new ReserveStock(order.id, sku, quantity)),
    );
    return { order, jobIds: [receipt, ...reservations].map(({ job }) => job.id) };
  }
}
