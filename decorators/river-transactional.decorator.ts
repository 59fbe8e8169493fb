import { Inject, UseInterceptors } from '@nestjs/common';
import { isObservable, type Observable } from 'rxjs';
import { RiverConfigurationError } from '../lib/errors/setup-errors.js';
import { RiverTransactionError } from '../lib/errors/transaction-errors.js';
import { DEFAULT_RIVER_NAME, getRiverTransactionToken } from '../lib/tokens.js';
import { isPlain } from '../lib/nest/nest-handler.js';
import { takeOpened } from '../lib/nest/opened-calls.js';
import { RiverTransactionInterceptor } from '../lib/nest/river-transaction.interceptor.js';
import { runDecorated } from '../lib/nest/run-decorated.js';
import type { RiverTransaction } from '../lib/transaction/river-transaction.js';
import {
  checkTransactionalOptions,
  RIVER_HELPER,
  RIVER_TRANSACTIONAL,
  transactionsOf,
  transactionOptionsOf,
  type TransactionalMethodOptions,
} from '../lib/nest/transactional-metadata.js';

type Method = (this: object, ...args: unknown[]) => unknown;

/** What `@RiverTransactional()` decorates: a controller, or a method that returns a promise or an observable. */
export interface TransactionalDecorator {
  /** For controllers: the same on every handler that the class itself has. */
  (controller: abstract new (...args: never[]) => object): void;
  /** For methods that answer later: the transaction makes a promise of whatever they answer. */
  <T extends (...args: never[]) => Promise<unknown> | Observable<unknown>>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void;
}

/** The methods beneath our dispatchers. */
const originals = new WeakMap<Method, Method>();

/**
 * Runs a method in a transaction of the data source of a client: a handler (by the interceptor, so
 * that its answer leaves after COMMIT), or any method of a provider that Nest makes. Joins a
 * transaction that is open already. Several on one method open one for each data source. On a
 * controller it stands for each of its handlers that has none of its own.
 *
 * @example
 * @Post() @RiverTransactional()
 * async create(@Body() dto: CreateOrder, @TransactionManager() manager: EntityManager) { ... }
 *
 * @throws RiverConfigurationError on what is no method of an object; at start-up where it cannot work
 *   (see the README); and at the call of an object made without Nest
 */
export function RiverTransactional(
  options: TransactionalMethodOptions = {},
): TransactionalDecorator {
  const decorate = (
    target: object,
    propertyKey?: string | symbol,
    descriptor: TypedPropertyDescriptor<never> = {},
  ): void => {
    const checked = checkTransactionalOptions(options);
    if (propertyKey === undefined) return onHandlers(target as ControllerClass, decorate);
    if (typeof target === 'function') throw onStaticMethod(propertyKey);
    const original = requireMethod(descriptor, propertyKey);
    const declared = transactionsOf(original);
    if (declared.some(({ name }) => clientName(name) === clientName(checked.name))) {
      throw refused(propertyKey, `is decorated twice for the client '${clientName(checked.name)}'`);
    }
    const transactions = [checked, ...declared];
    // A property that Nest itself injects. Without the module, its error at the start shows this text.
    const helper = Symbol(
      `RiverTransaction(${clientName(checked.name)}) for @RiverTransactional(), from RiverModule or, in tests, RiverTestingModule`,
    );
    Inject(getRiverTransactionToken(checked.name))(target, helper);

    const dispatch: Method = function (...args) {
      if (takeOpened(transactions)) return (originals.get(original) ?? original).apply(this, args);
      const transaction = (this as Record<symbol, RiverTransaction | undefined>)[helper];
      if (transaction === undefined) throw madeWithoutNest(propertyKey);
      return runDecorated(transaction, propertyKey, transactionOptionsOf(checked), async () =>
        notLater(await notLater(original.apply(this, args))),
      );
    };
    // Own properties that other decorators read or write on the function stay those of one function.
    const dispatcher = new Proxy(original, {
      apply: (_original, self: object, args) => dispatch.apply(self, args),
    });
    originals.set(dispatcher, originals.get(original) ?? original);
    for (const key of Reflect.getOwnMetadataKeys(original)) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), dispatcher);
    }
    Reflect.defineMetadata(RIVER_TRANSACTIONAL, transactions, dispatcher);
    Reflect.defineMetadata(RIVER_HELPER, helper, dispatcher);
    descriptor.value = dispatcher as never;
    if (transactions.length === 1) {
      UseInterceptors(RiverTransactionInterceptor)(target, propertyKey, descriptor);
    }
  };
  return decorate as TransactionalDecorator;
}

type ControllerClass = { readonly name: string; readonly prototype: object };

/** Decorates the handlers of a class: the methods on which decorators of Nest have written. */
function onHandlers(
  { name, prototype }: ControllerClass,
  decorate: (target: object, key: string, descriptor: TypedPropertyDescriptor<never>) => void,
): void {
  const handlers = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([key, { value }]) =>
      key !== 'constructor' && typeof value === 'function' && !isPlain(value as object),
  );
  if (handlers.length === 0) {
    throw refused(name, 'has no handlers: on a class it is for controllers. Put it on the methods');
  }
  for (const [key, descriptor] of handlers) {
    if (transactionsOf(descriptor.value as object).length > 0) continue;
    decorate(prototype, key, descriptor as TypedPropertyDescriptor<never>);
    Object.defineProperty(prototype, key, descriptor);
  }
}

/** Outside of a handler nobody waits for its values: it would run after the transaction's end. */
function notLater(answer: unknown): unknown {
  if (!isObservable(answer) && !isAsyncGenerator(answer)) return answer;
  throw new RiverTransactionError(
    '@RiverTransactional(): a method that is no handler of a request must answer a promise of its ' +
      'result; an Observable or an async generator would run after the end of the transaction.',
    { code: 'RIVER_INVALID_TRANSACTION', field: 'RiverTransactional' },
  );
}

function isAsyncGenerator(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object AsyncGenerator]';
}

/** @throws RiverConfigurationError on a property, an accessor or a generator, which types may hide */
function requireMethod(
  descriptor: { readonly value?: unknown } | undefined,
  propertyKey: string | symbol,
): Method {
  const method = descriptor?.value;
  if (typeof method !== 'function') throw refused(propertyKey, 'is no method');
  if (GENERATOR.test(Object.prototype.toString.call(method))) {
    throw refused(propertyKey, 'is a generator, which runs when it is read: after the end');
  }
  return method as Method;
}

const GENERATOR = /GeneratorFunction/;

const clientName = (name: string = DEFAULT_RIVER_NAME): string => name;

function onStaticMethod(method: string | symbol): RiverConfigurationError {
  return refused(
    method,
    'is static, and Nest injects nothing into a class. Put it on a method of a provider',
  );
}

function madeWithoutNest(method: string | symbol): RiverConfigurationError {
  return refused(
    method,
    'belongs to an object that was not made by Nest, so there is no RiverTransaction in it. Let Nest ' +
      'inject it, or call transaction.run(...) yourself',
  );
}

function refused(method: string | symbol, reason: string): RiverConfigurationError {
  return new RiverConfigurationError(`@RiverTransactional(): ${String(method)} ${reason}.`, {
    code: 'RIVER_INVALID_MODULE_OPTIONS',
    field: 'RiverTransactional',
  });
}
