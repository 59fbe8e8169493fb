import {
  Catch,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { map, tap, type Observable } from 'rxjs';
import { Work } from '../../../decorators/worker/work.decorator.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';
import { complete, discard, type Outcome } from '../../../lib/worker/outcome/outcome.js';
import { explore, jobOf, work } from './explored.js';

const seen: string[] = [];
beforeEach(() => void seen.splice(0));

@Injectable()
class Prefix {
  readonly text = 'injected';
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly prefix: Prefix) {}
  canActivate(context: ExecutionContext): boolean {
    const [job] = context.getArgs<[WorkedJob]>();
    const { name } = context.getClass();
    seen.push(
      `${this.prefix.text} ${context.getType()} ${name}.${context.getHandler().name} ${job.id}`,
    );
    return (job.args as { forbidden?: boolean }).forbidden !== true;
  }
}

@Injectable()
class Around implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    seen.push('before');
    return next.handle().pipe(tap(() => seen.push('after')));
  }
}

@Injectable()
class Doubled implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((outcome: unknown) => [outcome, outcome]));
  }
}

class Refused extends Error {}

@Catch(Refused)
class DiscardRefused implements ExceptionFilter {
  catch(error: Refused, host: ArgumentsHost): Outcome {
    seen.push(host.getType());
    return discard(error);
  }
}

/** Returns nothing, some time. */
@Catch()
class Reports implements ExceptionFilter {
  async catch(error: Error): Promise<void> {
    await Promise.resolve();
    seen.push(error.message);
  }
}

@Injectable()
class ToNumber implements PipeTransform {
  transform(args: { n: string }): { n: number } {
    return { n: Number(args.n) };
  }
}

@Injectable()
@UseGuards(Guard)
class Worker {
  @Work('guarded')
  guarded(): Outcome {
    return complete('worked');
  }

  @UseInterceptors(Around)
  @Work('intercepted')
  async intercepted(): Promise<Outcome> {
    await Promise.resolve();
    seen.push('work');
    return complete('worked');
  }

  @UseInterceptors(Doubled)
  @Work('doubled')
  doubled(): Outcome {
    return complete('worked');
  }

  @UseFilters(DiscardRefused)
  @Work('filtered')
  filtered(job: WorkedJob<{ error?: Error }>): void {
    throw job.args.error ?? new Refused('no');
  }

  @UseFilters(Reports)
  @Work('reported')
  reported(): void {
    throw new Refused('no');
  }

  @UsePipes(ToNumber)
  @Work('piped')
  piped(job: WorkedJob<{ n: number }>): Outcome {
    return complete(job.args.n + 1);
  }

  @UsePipes(ToNumber)
  @UseInterceptors(Around)
  @Work('both')
  both(job: WorkedJob<{ n: number }>): Outcome {
    return complete(job.args.n + 1);
  }
}

const PARTS = { providers: [Prefix, Worker] };

describe('what is bound to a method or its class', () => {
  test('runs with the job as its argument, in a context of the type river', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'guarded')).resolves.toMatchObject({ output: 'worked' });
    expect(seen).toEqual(['injected river Worker.guarded 1']);
  });

  test('fails the attempt where a guard refuses it', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'guarded', jobOf({ forbidden: true }))).rejects.toMatchObject({
      name: 'ForbiddenException',
    });
  });

  test('surrounds the work as an interceptor, which may change its result', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'intercepted')).resolves.toMatchObject({ output: 'worked' });
    expect(seen.slice(1)).toEqual(['before', 'work', 'after']);
    await expect(work(explored, 'doubled')).resolves.toMatchObject([
      { output: 'worked' },
      { output: 'worked' },
    ]);
  });

  test('decides the outcome as a filter of the error, and leaves other errors as they are', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'filtered')).resolves.toMatchObject({
      type: 'discard',
      reason: 'no',
    });
    expect(seen.slice(1)).toEqual(['river']);
    const error = new TypeError('other');
    await expect(work(explored, 'filtered', jobOf({ error }))).rejects.toBe(error);
  });

  test('leaves the attempt failed as a filter that returns no outcome', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'reported')).rejects.toThrow(Refused);
    expect(seen.slice(1)).toEqual(['no']);
  });

  test('changes the args as a pipe, alone and inside of an interceptor', async () => {
    const explored = await explore(PARTS);
    await expect(work(explored, 'piped', jobOf({ n: '41' }))).resolves.toMatchObject({
      output: 42,
    });
    await expect(work(explored, 'both', jobOf({ n: '41' }))).resolves.toMatchObject({ output: 42 });
    expect(seen.slice(1)).toContain('before');
  });
});

describe('what is global', () => {
  class Never implements CanActivate, NestInterceptor, PipeTransform, ExceptionFilter {
    canActivate(): boolean {
      throw new Error('a guard for requests');
    }
    intercept(): never {
      throw new Error('an interceptor for requests');
    }
    transform(): never {
      throw new Error('a pipe for requests');
    }
    catch(): never {
      throw new Error('a filter for requests');
    }
  }

  test('does not run for jobs', async () => {
    const tokens = [APP_GUARD, APP_INTERCEPTOR, APP_PIPE, APP_FILTER];
    @Module({ providers: tokens.map((provide) => ({ provide, useClass: Never })) })
    class Global {}
    const explored = await explore({ ...PARTS, imports: [Global] });
    await expect(work(explored, 'intercepted')).resolves.toMatchObject({ output: 'worked' });
    await expect(work(explored, 'piped', jobOf({ n: '41' }))).resolves.toMatchObject({
      output: 42,
    });
    await expect(work(explored, 'filtered')).resolves.toMatchObject({ type: 'discard' });
  });
});

describe('a provider of the scope of a request', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Attempt {
    static made = 0;
    readonly number = ++Attempt.made;
    constructor(@Inject(REQUEST) readonly job: WorkedJob) {}
  }

  @Injectable()
  class ScopedGuard implements CanActivate {
    constructor(private readonly attempt: Attempt) {}
    canActivate(): boolean {
      seen.push(`guard ${this.attempt.number}`);
      return true;
    }
  }

  @Injectable()
  class ScopedWorker {
    constructor(private readonly attempt: Attempt) {}

    @UseGuards(ScopedGuard)
    @Work('scoped')
    run(job: WorkedJob): Outcome {
      return complete({ number: this.attempt.number, isSame: this.attempt.job === job });
    }
  }

  test('is made for each attempt, with the job as what is injected by REQUEST', async () => {
    const explored = await explore({ providers: [Attempt, ScopedWorker] });
    Attempt.made = 0;
    await expect(work(explored, 'scoped')).resolves.toMatchObject({
      output: { number: 1, isSame: true },
    });
    await expect(work(explored, 'scoped')).resolves.toMatchObject({
      output: { number: 2, isSame: true },
    });
    expect(seen).toEqual(['guard 1', 'guard 2']);
  });

  test('can be a guard of a provider that is none', async () => {
    @Injectable()
    class Singleton {
      @UseGuards(ScopedGuard)
      @Work('scoped_guard')
      run(): Outcome {
        return complete('worked');
      }
    }
    const explored = await explore({ providers: [Attempt, Singleton] });
    await expect(work(explored, 'scoped_guard')).resolves.toMatchObject({ output: 'worked' });
    await expect(work(explored, 'scoped_guard')).resolves.toMatchObject({ output: 'worked' });
    expect(new Set(seen).size).toBe(2);
  });

  test('is transient: each has its own', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      static made = 0;
      readonly number = ++Transient.made;
      @Work('transient')
      run(): Outcome {
        return complete(this.number);
      }
    }
    const explored = await explore({ providers: [Transient] });
    const first = (await work(explored, 'transient')) as { output: number };
    const second = (await work(explored, 'transient')) as { output: number };
    expect(second.output).not.toBe(first.output);
  });
});
