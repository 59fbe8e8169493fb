import {
  Inject,
  Injectable,
  Logger,
  Module,
  Scope,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { tap, type Observable } from 'rxjs';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { JobArgs, RiverClient } from 'nestjs-river';
import {
  cancel,
  complete,
  CurrentJob,
  discard,
  OnJobCompleted,
  OnJobFailed,
  snooze,
  Work,
  type Job,
  type JobEvent,
  type Outcome,
  type WorkedJob,
} from 'nestjs-river/worker';

@Entity('receipt')
export class Receipt {
  @PrimaryColumn('integer') id!: number;
  @Column('text') text!: string;
}

@JobArgs('send_receipt')
export class SendReceipt {
  constructor(readonly orderId: number) {}
}

@JobArgs('charge')
export class Charge {
  constructor(
    readonly orderId: number,
    readonly failAt?: 'charge' | undefined,
  ) {}
}

@JobArgs('notify', { queue: 'mail' })
export class Notify {
  constructor(readonly to: string) {}
}

@JobArgs('retry_once')
export class RetryOnce {}
@JobArgs('snooze_once')
export class SnoozeOnce {}
@JobArgs('give_up')
export class GiveUp {
  constructor(readonly how: 'cancel' | 'discard') {}
}
@JobArgs('report')
export class Report {
  constructor(readonly month: string) {}
}
@JobArgs('whoami')
export class WhoAmI {}

/** An ordinary repository: the job is done when the row is there. */
@Injectable()
class ReceiptWorker {
  constructor(@InjectRepository(Receipt) private readonly receipts: Repository<Receipt>) {}

  @Work(SendReceipt)
  async send({ args }: Job<SendReceipt>): Promise<void> {
    await this.receipts.save({ id: args.orderId, text: `receipt of ${args.orderId}` });
  }
}

/** Effects, the next job and the completion commit together. */
@Injectable()
class PaymentWorker {
  constructor(
    @InjectRepository(Receipt) private readonly receipts: Repository<Receipt>,
    private readonly river: RiverClient,
  ) {}

  @Work(Charge, { transaction: true })
  async charge({ args }: Job<Charge>): Promise<Outcome> {
    await this.receipts.save({ id: args.orderId, text: 'charged' });
    const { job } = await this.river.insert(new Notify('customer'));
    if (args.failAt === 'charge') throw new Error('the card is refused');
    return complete({ notifies: String(job.id) });
  }
}

/** Several methods of one class. */
@Injectable()
export class SeveralWorkers {
  readonly notified: string[] = [];

  @Work(Notify)
  notify({ args }: Job<Notify>): void {
    this.notified.push(args.to);
  }

  @Work(RetryOnce, { retry: () => 1 })
  retryOnce({ attempt }: Job<RetryOnce>): Outcome {
    if (attempt === 1) throw new Error('not yet');
    return complete(attempt);
  }

  @Work(SnoozeOnce)
  snoozeOnce({ metadata }: Job<SnoozeOnce>): Outcome {
    return metadata['snoozes'] === undefined ? snooze(1) : complete(metadata['snoozes']);
  }

  @Work(GiveUp)
  giveUp({ args }: Job<GiveUp>): Outcome {
    return args.how === 'cancel' ? cancel('gone') : discard('refused');
  }
}

/** What is deep down, and knows the job without a parameter. */
@Injectable()
class Progress {
  constructor(private readonly current: CurrentJob) {}

  set(percent: number): void {
    this.current.setMetadata('percent', percent);
  }
}

@Injectable()
export class LogJobs implements NestInterceptor {
  static readonly lines: string[] = [];

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [job] = context.getArgs<[WorkedJob]>();
    LogJobs.lines.push(`begin ${job.kind}`);
    return next.handle().pipe(tap(() => LogJobs.lines.push(`end ${job.kind}`)));
  }
}

@Injectable()
@UseInterceptors(LogJobs)
class ReportWorker {
  constructor(private readonly progress: Progress) {}

  @Work(Report)
  async make({ args, signal }: Job<Report>): Promise<Outcome> {
    this.progress.set(50);
    await Promise.resolve();
    signal.throwIfAborted();
    return complete({ url: `/reports/${args.month}` });
  }
}

/** One for each attempt. */
@Injectable({ scope: Scope.REQUEST })
class ScopedWorker {
  static made = 0;
  readonly #number = ++ScopedWorker.made;

  constructor(@Inject(Logger) private readonly logger: Logger) {}

  @Work(WhoAmI)
  run(): Outcome {
    return complete({ number: this.#number, hasLogger: this.logger instanceof Logger });
  }
}

@Injectable()
export class Observer {
  readonly seen: string[] = [];

  @OnJobCompleted(SendReceipt)
  completed({ job }: JobEvent<SendReceipt>): void {
    this.seen.push(`${job.kind} ${job.state} ${job.args.orderId}`);
  }

  @OnJobFailed()
  failed({ job, error, willRetry }: JobEvent): void {
    this.seen.push(`${job.kind} ${String(error)} ${String(willRetry)}`);
  }
}

@Module({
  providers: [
    ReceiptWorker,
    PaymentWorker,
    SeveralWorkers,
    Progress,
    ReportWorker,
    ScopedWorker,
    Observer,
    Logger,
  ],
})
export class WorkersModule {}
