import { Controller, Injectable, Module, UseGuards, type CanActivate } from '@nestjs/common';
import { describe, expect, test } from '@jest/globals';
import { JobArgs } from '../../../decorators/job-args.decorator.js';
import { OnJobCompleted, OnJobFailed } from '../../../decorators/worker/on-job-event.decorator.js';
import { Periodic } from '../../../decorators/worker/periodic.decorator.js';
import { Work } from '../../../decorators/worker/work.decorator.js';
import type { JobEvent } from '../../../lib/worker/attempt/job-event.js';
import { notifyListeners } from '../../../lib/worker/handlers/explore-workers.js';
import type { Job, WorkedJob } from '../../../lib/worker/attempt/job.js';
import { complete, type Outcome } from '../../../lib/worker/outcome/outcome.js';
import { explore, jobOf, work } from './explored.js';

@JobArgs('send_receipt')
class SendReceipt {
  constructor(readonly orderId: number) {}
}

@JobArgs('close_month')
class CloseMonth {}

class Greeting {
  readonly text = 'hello';
}

@Injectable()
class ReceiptWorker {
  constructor(readonly greeting: Greeting) {}

  @Work(SendReceipt)
  async send(job: Job<SendReceipt>): Promise<Outcome> {
    return complete(`${this.greeting.text} ${job.args.orderId}`);
  }

  @Work(CloseMonth, { kindAliases: ['close_month_v1'] })
  close(): Outcome {
    return complete('closed');
  }

  plain(): void {}
}

describe('the methods that work jobs', () => {
  test('are found on providers, by the kinds of their classes and by aliases', async () => {
    const explored = await explore({ providers: [Greeting, ReceiptWorker] });
    expect(explored.handlers.map(({ kinds, name }) => ({ kinds, name }))).toEqual([
      { kinds: ['send_receipt'], name: 'ReceiptWorker.send' },
      { kinds: ['close_month', 'close_month_v1'], name: 'ReceiptWorker.close' },
    ]);
    expect(explored.find('close_month_v1')).toBe(explored.find('close_month'));
    expect(explored.find('other')).toBeUndefined();
  });

  test('are called on the provider itself', async () => {
    const explored = await explore({ providers: [Greeting, ReceiptWorker] });
    const outcome = await work(explored, 'send_receipt', jobOf({ orderId: 7 }));
    expect(outcome).toMatchObject({ type: 'complete', output: 'hello 7' });
  });

  test('are found in modules that are imported, and in modules and controllers themselves', async () => {
    @Module({ providers: [Greeting, ReceiptWorker] })
    class Receipts {
      @Work('of_module')
      run(): void {}
    }
    @Controller()
    class Jobs {
      @Work('of_controller')
      run(): void {}
    }
    const explored = await explore({ imports: [Receipts], controllers: [Jobs] });
    const names = explored.handlers.map(({ name }) => name).sort();
    expect(names).toEqual([
      'Jobs.run',
      'ReceiptWorker.close',
      'ReceiptWorker.send',
      'Receipts.run',
    ]);
  });

  test('are found on what a factory has made, on a value, and once for a second token', async () => {
    class Made {
      @Work('made')
      run(): void {}
    }
    class Given {
      @Work('given')
      run(): void {}
    }
    const explored = await explore({
      providers: [
        { provide: 'made', useFactory: () => new Made() },
        { provide: 'given', useValue: new Given() },
        { provide: 'again', useExisting: 'made' },
      ],
    });
    expect(explored.handlers.map(({ name }) => name)).toEqual(['Made.run', 'Given.run']);
  });

  test('are inherited, and can be overridden by another decorator or by a plain method', async () => {
    abstract class Base {
      @Work('base')
      run(): Outcome {
        return complete(this.constructor.name);
      }
    }
    @Injectable()
    class Inheriting extends Base {}
    @Injectable()
    class Overriding extends Base {
      @Work('overriding')
      override run(): Outcome {
        return complete('overridden');
      }
    }
    @Injectable()
    class Plain extends Base {
      override run(): Outcome {
        return complete('never');
      }
    }
    const explored = await explore({ providers: [Inheriting, Overriding, Plain] });
    expect(explored.handlers.map(({ kinds, name }) => [name, ...kinds])).toEqual([
      ['Inheriting.run', 'base'],
      ['Overriding.run', 'overriding'],
    ]);
    await expect(work(explored, 'base')).resolves.toMatchObject({ output: 'Inheriting' });
  });

  test('can work several kinds, and functions of the module those without a method', async () => {
    @Injectable()
    class Both {
      @Work('first')
      @Work('second')
      run(): void {}
    }
    const explored = await explore({
      providers: [Both],
      works: { welcome: (job: WorkedJob) => complete(job.args) },
    });
    expect(explored.find('first')?.name).toBe('Both.run');
    expect(explored.find('second')?.name).toBe('Both.run');
    await expect(work(explored, 'welcome', jobOf({ id: 1 }))).resolves.toMatchObject({
      output: { id: 1 },
    });
  });
});

describe('an application does not start', () => {
  async function refusalOf(...parts: Parameters<typeof explore>): Promise<unknown> {
    const error: unknown = await explore(...parts).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'RiverConfigurationError', code: 'RIVER_INVALID_WORKER' });
    return (error as Error).message;
  }

  class Other {
    @Work('close_month_v1')
    again(): void {}
  }

  test('when two methods work one kind, aliases included', async () => {
    const message = await refusalOf({ providers: [Greeting, ReceiptWorker, Other] });
    expect(message).toBe(
      "RiverWorkerModule: the kind 'close_month_v1' has two handlers, ReceiptWorker.close and Other.again. " +
        'Leave one, or give them kinds of their own.',
    );
  });

  test('when a function of the module works the kind of a method', async () => {
    const message = await refusalOf({
      providers: [Greeting, ReceiptWorker],
      works: { send_receipt: () => undefined },
    });
    expect(message).toContain("ReceiptWorker.send and works['send_receipt']");
  });

  test('when a class with handlers is a provider of two modules', async () => {
    @Module({ providers: [Other] })
    class One {}
    @Module({ providers: [Other] })
    class Two {}
    const message = await refusalOf({ imports: [One, Two] });
    expect(message).toContain(
      'Its class is a provider of two modules: provide it in one, and export it.',
    );
  });

  test('when a handler is on what Nest knows, but not as a provider', async () => {
    @Injectable()
    class Guard implements CanActivate {
      canActivate(): boolean {
        return true;
      }
      @Work('of_guard')
      run(): void {}
    }
    @Injectable()
    class Guarded {
      @UseGuards(Guard)
      @Work('guarded')
      run(): void {}
    }
    const message = await refusalOf({ providers: [Guarded] });
    expect(message).toContain('Guard.run: its class is not a provider');
  });

  test('when a class has no kind', async () => {
    class Undecorated {}
    class Worker {
      @Work(Undecorated)
      run(): void {}
    }
    expect(await refusalOf({ providers: [Worker] })).toContain(
      'Worker.run: the class Undecorated has no kind',
    );
  });

  test('when an option is unknown, or does not keep to its rule', async () => {
    class Unknown {
      @Work('x', { timeout: 5 } as object)
      run(): void {}
    }
    class Wrong {
      @Work('x', { maxConcurrent: 0 })
      run(): void {}
    }
    expect(await refusalOf({ providers: [Unknown] })).toContain(
      'Unknown.run: timeout: there is no such option',
    );
    expect(await refusalOf({ providers: [Wrong] })).toContain('Wrong.run: maxConcurrent: must be');
  });

  test('when events or periodic jobs are on a provider of a request', async () => {
    @Injectable({ scope: 2 })
    class Scoped {
      @OnJobFailed()
      failed(): void {}
    }
    expect(await refusalOf({ providers: [Scoped] })).toContain('Scoped.failed');
  });

  test('when a decorator is on a static method', () => {
    expect(() => {
      class Static {
        @Work('x')
        static run(): void {}
      }
      return Static;
    }).toThrow('@Work on Static.run: must be on a method of a provider, not on a static method.');
  });
});

describe('listeners and periodic methods', () => {
  const seen: string[] = [];
  @Injectable()
  class Observer {
    @OnJobCompleted(SendReceipt)
    completed(event: JobEvent<SendReceipt>): void {
      seen.push(`completed ${event.job.kind}`);
    }

    @OnJobCompleted()
    @OnJobFailed('other')
    any(event: JobEvent): void {
      seen.push(`any ${event.type} ${event.job.kind}`);
    }

    @Periodic({ id: 'month-end', cron: '@monthly' })
    monthEnd(): CloseMonth | null {
      return new CloseMonth();
    }
  }

  const event = (type: string, kind: string): JobEvent =>
    ({ type, job: { id: '1', kind } }) as unknown as JobEvent;

  test('receive what they are decorated for', async () => {
    const { listeners } = await explore({ providers: [Observer] });
    seen.length = 0;
    for (const [type, kind] of [
      ['completed', 'send_receipt'],
      ['completed', 'other'],
      ['failed', 'other'],
      ['failed', 'send_receipt'],
    ] as const) {
      notifyListeners(listeners, event(type, kind));
    }
    await Promise.resolve();
    expect(seen).toEqual([
      'completed send_receipt',
      'any completed send_receipt',
      'any completed other',
      'any failed other',
    ]);
  });

  test('make the job of a due time', async () => {
    const { periodics } = await explore({ providers: [Observer] });
    expect(periodics.map(({ name, fact }) => [name, fact.id])).toEqual([
      ['Observer.monthEnd', 'month-end'],
    ]);
    await expect(periodics[0]?.call(new Date())).resolves.toBeInstanceOf(CloseMonth);
  });
});
