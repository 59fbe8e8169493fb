import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { RIVER_HELPER, RIVER_TRANSACTIONAL } from './transactional-metadata.js';

/**
 * The keys under which Nest's decorators keep what they say. Nest does not export them, so they
 * stand here and nowhere else, and test/module/check-handlers.test.ts fails when Nest changes one.
 */
const KEYS = {
  routePath: 'path',
  routeMethod: 'method',
  sse: '__sse__',
  parameters: '__routeArguments__',
  passthrough: '__responsePassthrough__',
  interceptors: '__interceptors__',
  messagePattern: 'microservices:pattern',
  resolverType: 'graphql:resolver_type',
};

/** Nest's numbers of `@Res()`, `@Next()` and, for WebSockets, `@Ack()`. */
const ANSWERING_PARAMETERS = ['1', '2', '13'];

/**
 * Keys on a method that do not make it a handler: TypeScript's, those of guards and the like, and
 * those of cron jobs and event listeners, which are called without parameter decorators.
 */
const OF_ANY_METHOD =
  /^(design:|__(guards|interceptors|pipes|exceptionFilters|customRouteArgs)__|SCHEDULE|EVENT_LISTENER_METADATA)/;

const OURS: ReadonlySet<unknown> = new Set([RIVER_TRANSACTIONAL, RIVER_HELPER]);

type Parameters = Record<string, { readonly factory?: unknown }> | undefined;

/** Whether a handler answers by server-sent events. */
export function isSse(method: object): boolean {
  return Reflect.getMetadata(KEYS.sse, method) === true;
}

/** See {@link NestHandler.isPlain}. */
export function isPlain(method: object): boolean {
  const isMark = (key: unknown): boolean => !OURS.has(key) && !OF_ANY_METHOD.test(String(key));
  return !Reflect.getMetadataKeys(method).some(isMark);
}

/** A method of a class that Nest knows, and what its decorators say. */
export class NestHandler {
  readonly #type: Type;
  readonly #owner: Type;
  readonly method: object;
  readonly name: string;

  /**
   * @param type the class that Nest knows
   * @param owner the class whose method it is: the same, or one that it extends
   */
  constructor({
    type,
    owner,
    name,
    method,
  }: {
    type: Type;
    owner: Type;
    name: string;
    method: object;
  }) {
    this.#type = type;
    this.#owner = owner;
    this.name = name;
    this.method = method;
  }

  get isHttp(): boolean {
    return this.#has(KEYS.routePath) && this.#has(KEYS.routeMethod);
  }

  get isSse(): boolean {
    return isSse(this.method);
  }

  get isSubscription(): boolean {
    return this.#get(KEYS.resolverType) === 'Subscription';
  }

  /** A method of gRPC that is sent a stream. */
  get isStreamed(): boolean {
    const patterns = this.#get(KEYS.messagePattern);
    const streaming: unknown = Array.isArray(patterns)
      ? (patterns[0] as { streaming?: unknown } | undefined)?.streaming
      : undefined;
    return streaming !== undefined && streaming !== 'no_stream';
  }

  /** Whether it is given the means to answer, so that Nest leaves the answer to it. */
  get answersByItself(): boolean {
    if (Reflect.getMetadata(KEYS.passthrough, this.#type, this.name) === true) return false;
    const parameters = Reflect.getMetadata(KEYS.parameters, this.#type, this.name) as Parameters;
    return Object.keys(parameters ?? {}).some((key) =>
      ANSWERING_PARAMETERS.includes(key.split(':')[0] ?? ''),
    );
  }

  /**
   * Whether it certainly is no handler of any transport, also of one that we do not know: nothing
   * that could make it one is written on it.
   */
  get isPlain(): boolean {
    return isPlain(this.method);
  }

  /** Whether a parameter is made by one of these factories, as given to `createParamDecorator`. */
  hasParameterOf(factories: ReadonlySet<unknown>): boolean {
    // Not those of a method that this one overrides: they do not stand on it.
    const parameters = Reflect.getOwnMetadata(
      KEYS.parameters,
      this.#owner,
      this.name,
    ) as Parameters;
    return Object.values(parameters ?? {}).some(({ factory }) => factories.has(factory));
  }

  /** Whether an interceptor of this class stands on it or on its class. */
  hasInterceptor(type: Type): boolean {
    const given = [
      this.#get(KEYS.interceptors),
      Reflect.getMetadata(KEYS.interceptors, this.#type),
    ];
    return given.flat().some((each) => each === type || each instanceof type);
  }

  #has(key: string): boolean {
    return Reflect.hasMetadata(key, this.method);
  }

  #get(key: string): unknown {
    return Reflect.getMetadata(key, this.method);
  }
}
