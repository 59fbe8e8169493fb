import 'reflect-metadata';
import {
  Controller,
  Injectable,
  Module,
  Post,
  type DynamicModule,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { DataSource, Repository } from 'typeorm';
import { dataSourceOptions } from './modules.js';
import { Order, SendReceipt } from './orders.js';

/** What this process tells the one that started it. */
export interface Told {
  readonly at?: 'listening' | 'started' | 'destroying';
  readonly url?: string;
  readonly refused?: string;
}

const tell = (told: Told): void => void process.send?.(told);

/** Waits, as consumers of queues do, for the work under way, in the hook that Nest calls first. */
@Injectable()
class Consumer implements OnModuleDestroy {
  #work: Promise<unknown> = Promise.resolve();

  constructor(private readonly transaction: RiverTransaction) {}

  begin(): void {
    this.#work = this.transaction
      .run({ propagation: 'REQUIRES_NEW' }, () => new Promise<never>(() => undefined))
      .catch(() => undefined);
  }

  async onModuleDestroy(): Promise<void> {
    await this.#work;
  }
}

@Controller('slow')
class SlowController {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly river: RiverClient,
    private readonly consumer: Consumer,
  ) {}

  /** Waits, in its transaction, to be told to go on. */
  @Post()
  @RiverTransactional()
  async create(): Promise<{ id: number }> {
    const order = await this.orders.save({ email: 'slow' });
    tell({ at: 'started' });
    await new Promise<void>((resolve) => {
      process.on('message', (message) => message === 'go on' && resolve());
    });
    await this.river.insert(new SendReceipt(order.id, 'slow'));
    return { id: order.id };
  }

  /** Holds its transaction open, and never returns. */
  @Post('stuck')
  @RiverTransactional()
  async stick(): Promise<void> {
    await this.orders.save({ email: 'stuck' });
    this.consumer.begin();
    tell({ at: 'started' });
    await new Promise(() => undefined);
  }

  /** By itself, without a transaction. */
  @Post('insert')
  async insert(): Promise<void> {
    await this.river.insert(jobArgs('by_itself', {}));
  }
}

/** Tries, when the pool is about to end, what must be refused by then. */
@Injectable()
class Late {
  constructor(dataSource: DataSource, river: RiverClient) {
    type End = (...args: unknown[]) => unknown;
    const { master } = dataSource.driver as unknown as { master: { end: End } };
    const end = master.end.bind(master);
    master.end = async (...args) => {
      const refused = await river.insert(jobArgs('late', {})).then(
        () => 'stored',
        (error: Error) => error.name,
      );
      tell({ at: 'destroying', refused });
      return end(...args);
    };
  }
}

@Module({})
class AppModule {
  static with(url: string, order: string, shutdownTimeoutMs: number): DynamicModule {
    const typeorm = TypeOrmModule.forRoot(dataSourceOptions(url));
    const river = RiverModule.forRoot({ shutdownTimeoutMs });
    return {
      module: AppModule,
      imports: [
        ...(order === 'TypeOrmModule' ? [typeorm, river] : [river, typeorm]),
        TypeOrmModule.forFeature([Order]),
      ],
      controllers: [SlowController],
      providers: [Consumer, Late],
    };
  }
}

/**
 * An application of its own process, to be ended by a signal. Takes the URL, what is imported first, and
 * the limit of the shutdown.
 */
async function main(url: string, order: string, limit: string): Promise<void> {
  const module = AppModule.with(url, order, Number(limit));
  const app = await NestFactory.create(module, { logger: false });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  tell({ at: 'listening', url: await app.getUrl() });
}

const [url = '', order = '', limit = ''] = process.argv.slice(2);
void main(url, order, limit);
