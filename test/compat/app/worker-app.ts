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
  type CallHandler,
  type CanActivate,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type OnModuleDestroy,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JobArgs, RiverModule } from 'nestjs-river';
import {
  cancel,
  complete,
  RiverWorkerModule,
  Work,
  type Job,
  type Outcome,
  type WorkedJob,
} from 'nestjs-river/worker';
import { dataSourceOptions } from './modules.js';

@JobArgs('worked')
export class Worked {
  constructor(readonly n: number) {}
}

@JobArgs('filtered')
export class Filtered {}

@JobArgs('slow')
export class Slow {}

@Injectable()
class ForRequests implements CanActivate {
  canActivate(): boolean {
    throw new Error('a global guard is for requests');
  }
}

@Injectable()
class TypeIsRiver implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType<string>() === 'river';
  }
}

@Injectable()
class Marks implements NestInterceptor {
  // Without a type of rxjs, whose lowest version has none for ESM.
  intercept(context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    context.getArgByIndex<WorkedJob>(0).setMetadata('marked', true);
    return next.handle();
  }
}

@Injectable()
class Increments implements PipeTransform {
  transform({ n }: Worked): Worked {
    return { n: n + 1 };
  }
}

@Catch()
class Cancels implements ExceptionFilter {
  catch(error: Error): Outcome {
    return cancel(error);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Attempt {
  constructor(@Inject(REQUEST) readonly job: WorkedJob) {}
}

@Injectable()
class Jobs {
  constructor(private readonly attempt: Attempt) {}

  @UseGuards(TypeIsRiver)
  @UseInterceptors(Marks)
  @UsePipes(Increments)
  @Work(Worked)
  worked(job: Job<Worked>): Outcome {
    return complete({ n: job.args.n, isInjected: this.attempt.job === job });
  }

  @UseFilters(Cancels)
  @Work(Filtered)
  filtered(): void {
    throw new Error('refused');
  }
}

/** As clients of Redis: closed by a hook of its own. */
@Injectable()
export class Redis implements OnModuleDestroy {
  isOpen = true;

  onModuleDestroy(): void {
    this.isOpen = false;
  }
}

@Injectable()
export class SlowJobs {
  readonly started: Promise<void>;
  #start!: () => void;
  #end!: () => void;
  readonly #ended: Promise<void>;

  constructor(private readonly redis: Redis) {
    this.started = new Promise((resolve) => (this.#start = resolve));
    this.#ended = new Promise((resolve) => (this.#end = resolve));
  }

  @Work(Slow)
  async slow(): Promise<Outcome> {
    this.#start();
    await this.#ended;
    return complete({ isOpen: this.redis.isOpen });
  }

  end(): void {
    this.#end();
  }
}

@Module({})
export class WorkerAppModule {
  static with(url: string): DynamicModule {
    return {
      module: WorkerAppModule,
      imports: [
        TypeOrmModule.forRoot(dataSourceOptions(url)),
        RiverModule.forRoot(),
        RiverWorkerModule.forRoot({ queues: { default: 5 } }),
      ],
      providers: [Attempt, Jobs, Redis, SlowJobs, { provide: APP_GUARD, useClass: ForRequests }],
    };
  }
}
