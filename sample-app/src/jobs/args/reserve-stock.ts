import { JobArgs } from 'nestjs-river';

/** Sets aside what an order wants of one article. Urgent: others may be after the same piece. */
@JobArgs('reserve_stock', { priority: 1 })
export class ReserveStock {
  constructor(
    readonly orderId: number,
    readonly sku: string,
    readonly quantity: number,
  ) {}
}
