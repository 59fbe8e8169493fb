import { JobArgs } from 'nestjs-river';

@JobArgs('send_receipt', { maxAttempts: 5 })
export class SendReceiptArgs {
  constructor(
    readonly orderId: number,
    readonly email: string,
  ) {}
}
