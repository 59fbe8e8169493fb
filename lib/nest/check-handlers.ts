import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { RiverConfigurationError } from '../errors/setup-errors.js';
import { NestHandler } from './nest-handler.js';
import { RiverTransactionInterceptor } from './river-transaction.interceptor.js';
import { TRANSACTION_PARAMETERS } from './transaction-parameters.js';
import { helperOf, transactionsOf } from './transactional-metadata.js';

/** What Nest has made, or was given, as a provider or a controller. */
interface Candidate {
  readonly type: Type;
  /** Absent where Nest makes it, and so injects into it. */
  readonly given?: object;
}

/**
 * Looks at every provider and controller of the application for transactions that would not work as
 * they read. What Nest does not know cannot be seen: there the call is refused.
 *
 * @throws RiverConfigurationError naming the method and the reason
 */
export function checkHandlers(modules: ModulesContainer): void {
  for (const candidate of candidates(modules)) {
    for (const handler of methodsOf(candidate.type)) {
      const reason = refusal(handler, candidate);
      if (reason === undefined) continue;
      throw new RiverConfigurationError(`${candidate.type.name}.${handler.name}: ${reason}`, {
        code: 'RIVER_INVALID_MODULE_OPTIONS',
        field: 'RiverTransactional',
      });
    }
  }
}

function refusal(handler: NestHandler, { given }: Candidate): string | undefined {
  if (handler.isPlain && handler.hasParameterOf(TRANSACTION_PARAMETERS)) {
    return (
      'has a parameter @TransactionManager() or @TransactionQueryRunner(), but is no handler, so Nest ' +
      'gives it nothing. Use the injectable RiverTransaction: transaction.manager.'
    );
  }
  const declared = transactionsOf(handler.method);
  if (declared.length === 0 && !handler.hasInterceptor(RiverTransactionInterceptor)) return;
  const helper = helperOf(handler.method);
  if (given !== undefined && helper !== undefined && !Reflect.has(given, helper)) {
    return (
      'has @RiverTransactional(), but its object was not made by Nest (useFactory or useValue), so ' +
      'there is no RiverTransaction in it. Provide the class, let the factory call ' +
      'moduleRef.create(...), or call transaction.run(...).'
    );
  }
  if (handler.isSse || handler.isSubscription) {
    return (
      'is a stream without an end, and a transaction would hold its values until COMMIT. Take the ' +
      'transaction off it, and open one by transaction.run(...) for each piece of work.'
    );
  }
  if (declared.some(({ retries = 0 }) => retries > 0)) {
    if (handler.answersByItself) {
      return (
        '`retries` would let it answer several times, as it answers by itself (@Res() without ' +
        'passthrough, @Next() or @Ack()). Return the answer, or leave `retries` out.'
      );
    }
    if (handler.isStreamed) {
      return '`retries` would find its incoming stream read already. Leave `retries` out.';
    }
  }
  if (!handler.isHttp && declared.some(({ onDisconnect }) => onDisconnect === 'rollback')) {
    return "onDisconnect 'rollback' is for handlers of HTTP requests; nothing else is told that its client went away.";
  }
  return undefined;
}

function* candidates(modules: ModulesContainer): Iterable<Candidate> {
  const seen = new Set<unknown>();
  for (const { providers, controllers, injectables } of modules.values()) {
    for (const wrapper of [
      ...controllers.values(),
      ...providers.values(),
      ...injectables.values(),
    ]) {
      const { metatype, isNotMetatype, instance } = wrapper as {
        metatype: Type | null;
        isNotMetatype: boolean;
        instance: unknown;
      };
      const key = isNotMetatype ? instance : metatype;
      if (key === null || key === undefined || seen.has(key)) continue;
      seen.add(key);
      if (!isNotMetatype) yield { type: key as Type };
      else if (typeof key === 'object') yield* givenObject(key);
    }
  }
}

function* givenObject(given: object): Iterable<Candidate> {
  const { constructor: type } = (Object.getPrototypeOf(given) ?? {}) as { constructor?: unknown };
  if (typeof type === 'function' && type !== Object) yield { type: type as Type, given };
}

/** The methods of a class and of those it inherits from, each as the object would call it. */
function* methodsOf(type: Type): Iterable<NestHandler> {
  const seen = new Set<string>(['constructor']);
  let prototype = type.prototype as object | null | undefined;
  while (prototype && prototype !== Object.prototype) {
    const owner = prototype.constructor as Type;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (typeof value !== 'function') continue;
      yield new NestHandler({ type, owner, name, method: value as object });
    }
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}
