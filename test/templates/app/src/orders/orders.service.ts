import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { RiverClient, RiverTransactional } from 'nestjs-river';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { SendReceiptArgs } from './send-receipt.args.js';

@Injectable()
export class OrdersService {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly river: RiverClient,
  ) {}

  @RiverTransactional()
  async create(email: string): Promise<string> {
    const order = await this.orders.save({ email });
    const { job } = await this.river.insert(new SendReceiptArgs(order.id, email));
    if (email === '') throw new Error('An order needs an email address.');
    return job.id;
  }

  count(): Promise<number> {
    return this.orders.count();
  }
}
