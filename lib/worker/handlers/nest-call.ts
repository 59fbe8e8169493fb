import type { ArgumentsHost, PipeTransform, Type } from '@nestjs/common';
import {
  ApplicationConfig,
  ContextIdFactory,
  ExternalContextCreator,
  ModuleRef,
  type NestContainer,
} from '@nestjs/core';
import type { WorkedJob } from '../attempt/job.js';
import { isOutcome } from '../outcome/outcome.js';
import type { Candidate } from './candidates.js';

/** The type of the execution context of jobs: `context.getType() === 'river'`. */
const CONTEXT_TYPE = 'river';

/**
 * The keys under which Nest's decorators keep what is bound to a method or a class. Nest does not export them,
 * so they stand here and nowhere else, and test/worker/handlers/enhancers.unit.test.ts fails when Nest changes one.
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
  readonly #pipes: EnhancerCreator<PipeTransform[]>;
  /** Makes its filters. Of an error that they leave, Nest's own creator logs what may hold args. */
  readonly #filters: EnhancerCreator<Filters>;

  constructor(creator: ExternalContextCreator) {
    this.#creator = withoutGlobals(creator);
    // `private` in TypeScript alone; the test above watches over them.
    const { pipesContextCreator, filtersContextCreator } = this.#creator as unknown as {
      readonly pipesContextCreator: EnhancerCreator<PipeTransform[]>;
      readonly filtersContextCreator: EnhancerCreator<Filters>;
    };
    this.#pipes = pipesContextCreator;
    this.#filters = filtersContextCreator;
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
    const enhancers = <T>(creator: EnhancerCreator<T>): T =>
      creator.create(instance, method, module.token, contextId);
    let called = method;
    if (isBound(PIPES)) called = withPipes(method, enhancers(this.#pipes), argsType);
    let call: Call = (job) => called.call(instance, job);
    if (isBound(GUARDS) || isBound(INTERCEPTORS)) {
      const options = { guards: true, interceptors: true, filters: false };
      const create = this.#creator.create.bind(this.#creator, instance, called, name);
      call = create(undefined, undefined, contextId, undefined, options, CONTEXT_TYPE) as Call;
    }
    return isBound(FILTERS) ? withFilters(call, enhancers(this.#filters), { type, method }) : call;
  }
}

type Method = (...args: unknown[]) => unknown;

interface CallOptions {
  readonly name: string;
  readonly argsType: Type | undefined;
  readonly contextId?: ReturnType<typeof ContextIdFactory.create>;
}

/** One of the parts of Nest's creator. */
interface EnhancerCreator<Made> {
  create(
    instance: object,
    method: Method,
    moduleKey: string,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
  ): Made;
}

interface Filters {
  /** @returns what the filter returns that is meant for the error; null if there is none */
  invokeCustomFilters(error: unknown, host: ArgumentsHost): unknown;
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

/** What a filter returns counts if it is an outcome: one that only reports leaves the attempt failed. */
function withFilters(
  call: Call,
  filters: Filters,
  { type, method }: { readonly type: Type; readonly method: Method },
): Call {
  return async (job) => {
    try {
      return await call(job);
    } catch (error) {
      const result: unknown = await filters.invokeCustomFilters(error, hostOf(job, type, method));
      if (isOutcome(result)) return result;
      throw error;
    }
  };
}

function hostOf(job: WorkedJob, type: Type, method: Method): ArgumentsHost {
  const notOfJobs = (): never => {
    throw new TypeError(
      `A filter of a job was asked for a request: getType() is '${CONTEXT_TYPE}'.`,
    );
  };
  const host = {
    getArgs: () => [job],
    getArgByIndex: (index: number) => [job][index],
    getType: () => CONTEXT_TYPE,
    getClass: () => type,
    getHandler: () => method,
    switchToHttp: notOfJobs,
    switchToRpc: notOfJobs,
    switchToWs: notOfJobs,
  };
  return host as unknown as ArgumentsHost;
}
