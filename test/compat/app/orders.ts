import {
  Body,
  ConflictException,
  Controller,
  Get,
  Injectable,
  Post,
  type OnModuleInit,
} from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  JobArgs,
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  TransactionManager,
  UniqueArg,
  type JobInsertResult,
} from 'nestjs-river';
import {
  BaseEntity,
  Column,
  Entity,
  EntityManager,
  PrimaryGeneratedColumn,
  Repository,
} from 'typeorm';

@Entity('compat_order')
export class Order extends BaseEntity {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text' })
  email!: string;
}

@JobArgs('send_receipt', { queue: 'mail', maxAttempts: 5 })
export class SendReceipt {
  constructor(
    readonly orderId: number,
    readonly email: string,
  ) {}
}

@JobArgs('refresh', { uniqueOpts: { byArgs: true } })
export class Refresh {
  @UniqueArg()
  readonly shop: string;
  readonly why: string;

  constructor(shop: string, why: string) {
    this.shop = shop;
    this.why = why;
  }
}

export interface CreateOrder {
  readonly email: string;
  readonly fail?: boolean;
}

@Injectable()
export class OrdersService implements OnModuleInit {
  /** Jobs inserted before the application is up. */
  started = 0;

  constructor(
    private readonly river: RiverClient,
    private readonly transaction: RiverTransaction,
    @InjectRepository(Order) private readonly orders: Repository<Order>,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.river.insert(new SendReceipt(0, 'start'));
    this.started += 1;
  }

  /** The transaction is the decorator's; the repository, the query builder and the insert join it. */
  @RiverTransactional()
  async place({ email, fail = false }: CreateOrder): Promise<number> {
    const order = await this.orders.save({ email });
    await this.orders
      .createQueryBuilder()
      .update()
      .set({ email })
      .where({ id: order.id })
      .execute();
    await this.transaction.run({ propagation: 'NESTED' }, async () => {
      await this.river.insert(new SendReceipt(order.id, email));
    });
    if (fail) throw new ConflictException('failed on purpose');
    return order.id;
  }

  /** In the transaction of a manager that is handed on. */
  async store(manager: EntityManager, { email, fail = false }: CreateOrder): Promise<number> {
    const order = await manager.save(Order, { email });
    await this.river.insertTx(manager, new SendReceipt(order.id, email));
    if (fail) throw new ConflictException('failed on purpose');
    return order.id;
  }
}

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly river: RiverClient,
  ) {}

  /** The transaction is the request's. */
  @Post()
  @RiverTransactional()
  async create(
    @Body() body: CreateOrder,
    @TransactionManager() manager: EntityManager,
  ): Promise<{ id: number }> {
    return { id: await this.orders.store(manager, body) };
  }

  @Post('by-service')
  async createByService(@Body() body: CreateOrder): Promise<{ id: number }> {
    return { id: await this.orders.place(body) };
  }

  @Get('job')
  async job(): Promise<JobInsertResult<SendReceipt>> {
    return await this.river.insert(new SendReceipt(1, 'json'));
  }
}
