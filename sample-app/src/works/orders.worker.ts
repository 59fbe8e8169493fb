import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { cancel, complete, Work, type Job } from 'nestjs-river/worker';
import { Repository } from 'typeorm';
import { ReserveStock } from '../jobs/args/reserve-stock.js';
import { SendReceipt } from '../jobs/args/send-receipt.js';
import { OrderItem } from '../orders/order-item.entity.js';

/** Works the jobs of orders. Receipts are worked in Nest alone: no Go worker has the queue `mail`. */
@Injectable()
export class OrdersWorker {
  constructor(@InjectRepository(OrderItem) private readonly items: Repository<OrderItem>) {}

  /** Mails nothing: this is a sample. */
  @Work(SendReceipt)
  send({ args }: Job<SendReceipt>) {
    return complete({ sentTo: args.email });
  }

  /** The repository is in the transaction that completes the job. */
  @Work(ReserveStock, { transaction: true })
  async reserve({ args }: Job<ReserveStock>) {
    const { orderId, sku, quantity } = args;
    const item = await this.items.findOneBy({ order: { id: orderId }, sku });
    if (item === null) return cancel('the order has no such item');
    return complete({ sku, reserved: quantity });
  }
}
