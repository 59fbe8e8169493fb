import { Inject, UseInterceptors } from '@nestjs/common';
import { isObservable, type Observable } from 'rxjs';
import { RiverConfigurationError } from '../lib/errors/configuration-error.js';
import { RiverTransactionError } from '../lib/errors/transaction-error.js';
import { getRiverTransactionToken } from '../lib/tokens.js';
import { takeOpened } from '../lib/transaction/opened-calls.js';
import { RiverTransactionInterceptor } from '../lib/transaction/river-transaction.interceptor.js';
import type { RiverTransaction } from '../lib/transaction/river-transaction.js';
import {
  checkTransactionalOptions,
  RIVER_TRANSACTIONAL,
  transactionsOf,
  transactionOptionsOf,
  type RiverTransactionalOptions,
} from '../lib/transaction/transactional-metadata.js';

type Method = (this: object, ...args: unknown[]) => unknown;

/** For methods that answer later: the transaction makes a promise of whatever they answer. */
type TransactionalDecorator = <
  T extends (...args: never[]) => Promise<unknown> | Observable<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/** The methods beneath our dispatchers. */
const originals = new WeakMap<Method, Method>();

/**
 * Runs a method in a transaction of the data source of a client: a handler (by the interceptor, so
 * that its answer leaves after COMMIT), or any method of a provider that Nest makes. Joins a
 * transaction that is open already. Several on one method open one for each data source.
 *
 * @example
 * @Post() @RiverTransactional()
 * async create(@Body() dto: CreateOrder, @TransactionManager() manager: EntityManager) { ... }
 *
 * @throws RiverConfigurationError on a static method, and at the call of an object made without Nest
 */
export function RiverTransactional(
  options: RiverTransactionalOptions = {},
): TransactionalDecorator {
  return (target, propertyKey, descriptor) => {
    if (typeof target === 'function') throw onStaticMethod(propertyKey);
    checkTransactionalOptions(options);
    const original = descriptor.value as unknown as Method;
    const transactions = [options, ...transactionsOf(original)];
    // A property that Nest itself injects: without the module, Nest's own error at start-up.
    const helper = Symbol(`RiverTransaction(${options.name ?? 'default'})`);
    Inject(getRiverTransactionToken(options.name))(target, helper);

    const dispatcher: Method = function (...args) {
      if (takeOpened(transactions)) return (originals.get(original) ?? original).apply(this, args);
      const transaction = (this as Record<symbol, RiverTransaction | undefined>)[helper];
      if (transaction === undefined) throw madeWithoutNest(propertyKey);
      return transaction.run(transactionOptionsOf(options), () =>
        notObservable(original.apply(this, args)),
      );
    };
    originals.set(dispatcher, originals.get(original) ?? original);
    Object.defineProperty(dispatcher, 'name', { value: original.name, configurable: true });
    for (const key of Reflect.getOwnMetadataKeys(original)) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), dispatcher);
    }
    Reflect.defineMetadata(RIVER_TRANSACTIONAL, transactions, dispatcher);
    descriptor.value = dispatcher as never;
    if (transactions.length === 1) {
      UseInterceptors(RiverTransactionInterceptor)(target, propertyKey, descriptor);
    }
  };
}

/** Outside of a handler nobody waits for its values: it would run after the transaction's end. */
function notObservable(answer: unknown): unknown {
  if (!isObservable(answer)) return answer;
  throw new RiverTransactionError(
    '@RiverTransactional(): a method that is no handler of a request must answer a promise; an ' +
      'Observable would run after the end of the transaction.',
    { code: 'RIVER_INVALID_TRANSACTION', field: 'RiverTransactional' },
  );
}

function onStaticMethod(method: string | symbol): RiverConfigurationError {
  return new RiverConfigurationError(
    `@RiverTransactional(): ${String(method)} is static, and Nest injects nothing into a class. ` +
      'Put it on a method of a provider.',
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'RiverTransactional' },
  );
}

function madeWithoutNest(method: string | symbol): RiverConfigurationError {
  return new RiverConfigurationError(
    `@RiverTransactional(): the object of ${String(method)} was not made by Nest, so there is no ` +
      'RiverTransaction in it. Let Nest inject it, or call transaction.run(...) yourself.',
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'RiverTransactional' },
  );
}
