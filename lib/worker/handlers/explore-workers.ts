import { Logger, type Type } from '@nestjs/common';
import { MetadataScanner, type ExternalContextCreator, type ModulesContainer } from '@nestjs/core';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { nameText } from '../../errors/name-text.js';
import type { JobObject } from '../../job/job-object.js';
import type { FindHandler, Handler } from '../attempt/handler.js';
import type { JobEvent, JobEventType } from '../attempt/job-event.js';
import type { WorkedJob } from '../attempt/job.js';
import { candidates, enhancers, type Candidate } from './candidates.js';
import { handlerOptions } from './handler-options.js';
import { kindOf } from './kind-of.js';
import { NestCalls } from './nest-call.js';
import {
  factsOf,
  JOB_EVENT,
  PERIODIC,
  WORK,
  type PeriodicFact,
  type WorkFact,
} from './worker-metadata.js';

/** What is called after the outcomes of jobs. */
export interface JobListener {
  readonly type: JobEventType;
  /** undefined: of all kinds. */
  readonly kind: string | undefined;
  readonly call: (event: JobEvent) => unknown;
}

/** A method with `@Periodic`. */
export interface PeriodicMethod {
  readonly name: string;
  readonly fact: PeriodicFact;
  readonly call: (at: Date) => Promise<JobObject | null>;
}

/** What the application's providers do for a worker. */
export interface Explored {
  readonly handlers: readonly Handler[];
  readonly find: FindHandler;
  readonly listeners: readonly JobListener[];
  readonly periodics: readonly PeriodicMethod[];
}

const scanner = new MetadataScanner();

/**
 * Finds the methods of all providers and controllers that work jobs.
 *
 * @param works functions for kinds without a method
 * @throws RiverConfigurationError for two handlers of one kind, and for options that make no sense
 */
export function exploreWorkers(
  modules: ModulesContainer,
  creator: ExternalContextCreator,
  works: Readonly<Record<string, (job: WorkedJob) => unknown>>,
): Explored {
  const calls = new NestCalls(creator);
  const byKind = new Map<string, Handler>();
  const handlers: Handler[] = [];
  const listeners: JobListener[] = [];
  const periodics: PeriodicMethod[] = [];
  const add = (handler: Handler): void => {
    for (const kind of handler.kinds) {
      const other = byKind.get(kind);
      if (other !== undefined) throw twoHandlers(kind, other, handler);
      byKind.set(kind, handler);
    }
    handlers.push(handler);
  };
  for (const candidate of candidates(modules)) {
    for (const [key, method] of methodsOf(candidate.type)) {
      const name = `${candidate.type.name}.${key}`;
      for (const fact of factsOf(WORK, method))
        add(handlerOf(fact, { name, key, candidate, calls }));
      for (const { type, source } of factsOf(JOB_EVENT, method)) {
        const kind = source === undefined ? undefined : kindOf(source, name);
        listeners.push({ type, kind, call: plainCall(candidate, key) });
      }
      for (const fact of factsOf(PERIODIC, method)) {
        const call = plainCall(candidate, key) as (at: Date) => Promise<JobObject | null>;
        periodics.push({ name, fact, call });
      }
    }
  }
  for (const type of enhancers(modules)) refuseHandlersOf(type);
  for (const [kind, run] of Object.entries(works)) {
    const name = `works['${nameText(kind)}']`;
    add({ kinds: [kindOf(kind, name)], name, options: handlerOptions({}, name), run });
  }
  return { handlers, find: (kind) => byKind.get(kind), listeners, periodics };
}

function handlerOf(
  { source, options: given }: WorkFact,
  {
    name,
    key,
    candidate,
    calls,
  }: {
    readonly name: string;
    readonly key: string;
    readonly candidate: Candidate;
    readonly calls: NestCalls;
  },
): Handler {
  const { kindAliases, ...options } = handlerOptions(given, name);
  const aliases = kindAliases.map((alias) => kindOf(alias, name));
  const argsType = typeof source === 'function' ? (source as Type) : undefined;
  const kinds = [...new Set([kindOf(source, name), ...aliases])];
  return { kinds, name, options, run: calls.of(candidate, key, argsType) };
}

/** The methods of a class and its parents that decorators may have written on. */
function* methodsOf({ prototype }: Type): Iterable<[string, object]> {
  if (typeof prototype !== 'object' || prototype === null) return;
  for (const name of scanner.getAllMethodNames(prototype as object)) {
    const method: unknown = (prototype as Record<string, unknown>)[name];
    if (typeof method === 'function') yield [name, method];
  }
}

/** Nest makes enhancers for the methods that they are bound to, perhaps several times. */
function refuseHandlersOf(type: Type): void {
  for (const [key, method] of methodsOf(type)) {
    const decorated = [WORK, JOB_EVENT, PERIODIC].some(
      (key) => factsOf<unknown>(key, method).length > 0,
    );
    if (!decorated) continue;
    const name = `${type.name}.${key}`;
    throw new RiverConfigurationError(
      `${name}: its class is not a provider, but a guard, an interceptor, a pipe or a filter. Move the method ` +
        'to a provider.',
      { code: 'RIVER_INVALID_WORKER', field: name },
    );
  }
}

/** Calls a method without guards and the like, which are for jobs. */
function plainCall({ instance, type }: Candidate, key: string) {
  if (instance === undefined) throw requestScoped(`${type.name}.${key}`);
  return async (argument: unknown): Promise<unknown> => {
    return await (instance as Record<string, (argument: unknown) => unknown>)[key]?.(argument);
  };
}

function requestScoped(name: string): RiverConfigurationError {
  return new RiverConfigurationError(
    `${name}: @Periodic and @OnJob... need a provider of the default scope, since there is no request. Move ` +
      'the method to another provider.',
    { code: 'RIVER_INVALID_WORKER', field: name },
  );
}

function twoHandlers(kind: string, first: Handler, second: Handler): RiverConfigurationError {
  const isSame = first.name === second.name;
  return new RiverConfigurationError(
    `RiverWorkerModule: the kind '${nameText(kind)}' has two handlers, ${first.name} and ${second.name}. ` +
      (isSame
        ? 'Its class is a provider of two modules: provide it in one, and export it.'
        : 'Leave one, or give them kinds of their own.'),
    { code: 'RIVER_INVALID_WORKER', field: kind },
  );
}

/** Calls the listeners of an event. What they throw is logged. */
export function notifyListeners(listeners: readonly JobListener[], event: JobEvent): void {
  for (const { type, kind, call } of listeners) {
    if (type !== event.type || (kind !== undefined && kind !== event.job.kind)) continue;
    const called = (async () => await call(event))();
    void called.catch((error: unknown) => {
      new Logger('RiverWorker').error(
        `A listener of job ${event.job.id} failed: ${String(error)}`,
        error instanceof Error ? error.stack : undefined,
      );
    });
  }
}
