import {
  complete,
  InjectRiverWorker,
  OnJobCompleted,
  OnJobFailed,
  Periodic,
  snooze,
  Work,
  type Job,
  type JobEvent,
  type Outcome,
  type WorkedJob,
} from 'nestjs-river/worker';
import { JobArgs } from 'nestjs-river';
import { typeOf } from './same.js';

@JobArgs('send_receipt')
class SendReceipt {
  constructor(
    readonly orderId: number,
    readonly at: Date,
  ) {}
}

@JobArgs('other')
class Other {
  readonly name = '';
}

interface Decoded {
  readonly orderId: number;
}

const schema = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (_value: unknown) => ({ value: { orderId: 1 } }),
  },
};

export class Worker {
  @Work(SendReceipt)
  async send(job: Job<SendReceipt>): Promise<void> {
    // What JSON gives: a date is a text.
    typeOf(job.args.at).is<string>(true);
    typeOf(job.signal).is<AbortSignal>(true);
    typeOf(job.attempt).is<number>(true);
  }

  @Work(SendReceipt, { transaction: true, timeoutMs: false, maxConcurrent: 2, kindAliases: ['a'] })
  outcome(job: Job<SendReceipt>): Outcome | undefined {
    return job.attempt > 1 ? snooze(1) : complete({ at: job.args.at });
  }

  @Work(SendReceipt, {
    retry: (job, error) => (error instanceof Error ? job.errors.length : new Date()),
  })
  withoutParameter(): void {}

  @Work(SendReceipt)
  async maybe(): Promise<Outcome | void> {}

  @Work('kind')
  kind(job: WorkedJob<{ readonly id: number }>): void {
    typeOf(job.args.id).is<number>(true);
  }

  @Work('kind', { decode: (args): Decoded => args as Decoded })
  decoded(job: WorkedJob<Decoded>): void {
    typeOf(job.args.orderId).is<number>(true);
  }

  @Work(SendReceipt, { schema })
  validated(job: WorkedJob<Decoded>): void {
    typeOf(job.args.orderId).is<number>(true);
  }

  // @ts-expect-error the args are those of another class
  @Work(SendReceipt)
  wrongArgs(_job: Job<Other>): void {}

  // @ts-expect-error a date is a text in args
  @Work(SendReceipt)
  notJson(_job: WorkedJob<SendReceipt>): void {}

  // @ts-expect-error what is returned is recorded by complete() only
  @Work(SendReceipt)
  returnsOther(): string {
    return 'sent';
  }

  // @ts-expect-error the same, promised
  @Work(SendReceipt)
  async promisesOther(): Promise<number> {
    return 1;
  }

  // @ts-expect-error a method receives the job alone
  @Work(SendReceipt)
  second(_job: Job<SendReceipt>, _second: string): void {}

  // @ts-expect-error there is no such option
  @Work(SendReceipt, { timeout: 5 })
  wrongOption(): void {}

  // @ts-expect-error the schema makes something else
  @Work(SendReceipt, { schema })
  wrongSchema(_job: WorkedJob<{ readonly name: string }>): void {}

  // @ts-expect-error a property is not a method
  @Work(SendReceipt)
  readonly property = 1;
}

export class Observer {
  constructor(@InjectRiverWorker('billing') readonly worker: unknown) {}

  @OnJobCompleted(SendReceipt)
  completed(event: JobEvent<SendReceipt>): void {
    typeOf(event.willRetry).is<boolean>(true);
  }

  @OnJobFailed()
  @OnJobFailed('kind')
  async failed(_event: JobEvent): Promise<void> {}

  // @ts-expect-error events of another class
  @OnJobCompleted(SendReceipt)
  wrong(_event: JobEvent<Other>): void {}
}

export class Schedules {
  @Periodic({ id: 'month-end', cron: '@monthly', runOnStart: true })
  monthEnd(at: Date): SendReceipt | null {
    return at.getDate() === 1 ? new SendReceipt(1, at) : null;
  }

  @Periodic({ id: 'often', everyMs: 1_000 })
  async often(): Promise<SendReceipt> {
    return new SendReceipt(1, new Date());
  }

  // @ts-expect-error either of them
  @Periodic({ id: 'both', everyMs: 1_000, cron: '@monthly' })
  both(): null {
    return null;
  }

  // @ts-expect-error one of them
  @Periodic({ id: 'none' })
  none(): null {
    return null;
  }

  // @ts-expect-error it returns the args of a job
  @Periodic({ id: 'text', everyMs: 1_000 })
  text(): string {
    return 'send_receipt';
  }
}
