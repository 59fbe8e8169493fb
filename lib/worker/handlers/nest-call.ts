import type { PipeTransform, Type } from '@nestjs/common';
import {
  ApplicationConfig,
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
  type NestContainer,
} from '@nestjs/core';
import type { WorkedJob } from '../attempt/job.js';
import type { Candidate } from './candidates.js';

/** The type of the execution context of jobs: `context.getType() === 'river'`. */
const CONTEXT_TYPE = 'river';

/**
 * The keys under which Nest's decorators keep what is bound to a method or a class. Nest does not export them,
 * so they stand here and nowhere else, and test/worker/handlers/enhancers.test.ts fails when Nest changes one.
 */
const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';
const PIPES = '__pipes__';

type Call = (job: WorkedJob) => unknown;

/**
 * Calls methods of providers as Nest calls handlers: with the guards, interceptors, pipes and filters that are
 * bound to the method or its class, but without global ones, which are written for requests.
 */
export class NestCalls {
  readonly #creator: ExternalContextCreator;
  /** Makes the pipes of a method, which Nest's own creator applies to decorated parameters only. */
  readonly #pipes: PipesCreator;

  constructor(creator: ExternalContextCreator) {
    this.#creator = withoutGlobals(creator);
    // `private` in TypeScript alone; the test above watches over it.
    const { pipesContextCreator } = this.#creator as unknown as {
      readonly pipesContextCreator: PipesCreator;
    };
    this.#pipes = pipesContextCreator;
  }

  /**
   * Makes what calls a method for a job.
   *
   * @param argsType the class of the args, for pipes
   */
  of(candidate: Candidate, name: string, argsType: Type | undefined): Call {
    if (candidate.instance === undefined) return this.#perAttempt(candidate, name, argsType);
    return this.#on(candidate.instance, candidate, { name, argsType });
  }

  /** The provider, or its enhancers, belong to a request: to the attempt. The job is what they inject as REQUEST. */
  #perAttempt(candidate: Candidate, name: string, argsType: Type | undefined): Call {
    const { module, token } = candidate;
    return async (job) => {
      const contextId = ContextIdFactory.create();
      const moduleRef = module.getProviderByKey<ModuleRef>(ModuleRef).instance;
      moduleRef.registerRequestByContextId(job, contextId);
      const instance = await moduleRef.resolve<object>(token as Type<object>, contextId, {
        strict: true,
      });
      return await this.#on(instance, candidate, { name, argsType, contextId })(job);
    };
  }

  #on(
    instance: object,
    { type, module }: Candidate,
    { name, argsType, contextId }: CallOptions,
  ): Call {
    const method = (instance as Record<string, Method>)[name] as Method;
    const isBound = (key: string): boolean =>
      Reflect.hasMetadata(key, method) || Reflect.hasMetadata(key, type);
    const pipes = isBound(PIPES)
      ? this.#pipes.create(instance, method, module.token, contextId)
      : [];
    const called = pipes.length === 0 ? method : withPipes(method, pipes, argsType);
    if (![GUARDS, INTERCEPTORS, FILTERS].some(isBound)) return (job) => called.call(instance, job);
    return this.#creator.create(
      instance,
      called,
      name,
      undefined,
      undefined,
      contextId,
      undefined,
      undefined,
      CONTEXT_TYPE,
    ) as Call;
  }
}

type Method = (...args: unknown[]) => unknown;

interface CallOptions {
  readonly name: string;
  readonly argsType: Type | undefined;
  readonly contextId?: ReturnType<typeof ContextIdFactory.create>;
}

interface PipesCreator {
  create(
    instance: object,
    method: Method,
    moduleKey: string,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
  ): PipeTransform[];
}

/** The creator on the same container, but for an empty configuration of the application. */
function withoutGlobals(creator: ExternalContextCreator): ExternalContextCreator {
  const { container } = creator as unknown as { readonly container: NestContainer };
  const applicationConfig = new ApplicationConfig();
  const bare = Object.create(container, {
    applicationConfig: { value: applicationConfig },
  }) as NestContainer;
  return ExternalContextCreator.fromContainer(bare);
}

/** The same method, as Nest sees it, that runs the pipes for the job's args before. */
function withPipes(method: Method, pipes: readonly PipeTransform[], metatype?: Type): Method {
  const called = async function (this: unknown, job: unknown): Promise<unknown> {
    const worked = job as { args: unknown };
    for (const pipe of pipes)
      worked.args = await pipe.transform(worked.args, { type: 'body', metatype, data: undefined });
    return await method.call(this, job);
  };
  for (const key of Reflect.getMetadataKeys(method))
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), called);
  return Object.defineProperty(called, 'name', { value: method.name });
}
