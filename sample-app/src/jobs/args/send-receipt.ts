import { JobArgs } from 'nestjs-river';

/** Mails the receipt of an order. */
@JobArgs('send_receipt', { queue: 'mail' })
export class SendReceipt {
  constructor(
    readonly orderId: number,
    readonly email: string,
  ) {}
}
