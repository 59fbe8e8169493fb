import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { RiverClient } from 'nestjs-river';
import { OrderEntity, SendReceipt, type Order } from '../transaction/orders.js';
import { Outcomes } from './outcomes.js';

/** Stores an order and its job; whether they hold together is for the caller's decorator to see to. */
@Injectable()
export class OrdersStore {
  constructor(
    @InjectRepository(OrderEntity) private readonly orders: Repository<Order>,
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(Outcomes) private readonly outcomes: Outcomes,
  ) {}

  async place(item: string): Promise<string> {
    this.outcomes.follow(item);
    await this.orders.save({ item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
    return item;
  }
}
