import { AsyncResource } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  fromEvent,
  lastValueFrom,
  Observable,
  take,
  takeUntil,
  throwError,
  toArray,
  type Subscriber,
} from 'rxjs';
import { RiverTransactionError } from '../errors/transaction-errors.js';
import { getRiverTransactionToken } from '../tokens.js';
import { isSse } from './nest-handler.js';
import { isOpened, markOpened } from './opened-calls.js';
import { runDecorated } from './run-decorated.js';
import type { RiverTransaction } from '../transaction/river-transaction.js';
import {
  transactionOptionsOf,
  transactionsOf,
  type TransactionalMethodOptions,
} from './transactional-metadata.js';

const DEFAULT_MAX_HELD_VALUES = 1_000;

/**
 * Runs a handler in a transaction: its pipes and parameter decorators, the handler, and the values
 * of its Observable. They are held until COMMIT succeeded, so no answer leaves for work that is not
 * stored. An error rolls back and goes on to the exception filters unchanged. Whoever no longer
 * waits for the answer (an outer interceptor's time-out unsubscribes) rolls back, too.
 *
 * `@RiverTransactional()` puts it on a method; with `@UseInterceptors(RiverTransactionInterceptor)`
 * on a controller, every handler of it runs in a transaction.
 */
@Injectable()
export class RiverTransactionInterceptor implements NestInterceptor {
  readonly #moduleRef: ModuleRef;

  constructor(@Inject(ModuleRef) moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const declared = transactionsOf(context.getHandler());
    if (isSse(context.getHandler())) return throwError(() => endless());
    // It stands on the controller, too.
    if (isOpened(declared)) return next.handle() as Observable<unknown>;
    // Nest subscribes outside of the asynchronous context that interceptors before this one opened.
    const subscribe = AsyncResource.bind((subscriber: Subscriber<unknown>) => {
      const controller = new AbortController();
      const { signal } = controller;
      const stopWatching = watchClient(context, declared, controller);
      const handle = (): Promise<unknown[]> => collect(next, signal, maxHeldValues(declared));
      const { name } = context.getHandler();
      const work = (): Promise<unknown[]> => markOpened(declared, handle);
      this.#inTransactions(declared, { signal, name }, work).then(
        (values) => {
          for (const value of values) subscriber.next(value);
          subscriber.complete();
        },
        (error: unknown) => subscriber.error(error),
      );
      return () => {
        stopWatching();
        controller.abort(new Error('nobody waits for the answer any more'));
      };
    });
    return new Observable(subscribe);
  }

  #inTransactions<T>(
    declared: readonly TransactionalMethodOptions[],
    { signal, name }: { signal: AbortSignal; name: string },
    work: () => Promise<T>,
  ): Promise<T> {
    const transactions = declared.length > 0 ? declared : [{}];
    return transactions.reduceRight<() => Promise<T>>(
      (inner, options: TransactionalMethodOptions) => () => {
        const transaction = this.#transaction(options.name);
        return runDecorated(transaction, name, { ...transactionOptionsOf(options), signal }, inner);
      },
      work,
    )();
  }

  #transaction(name: string | undefined): RiverTransaction {
    return this.#moduleRef.get<RiverTransaction>(getRiverTransactionToken(name), { strict: false });
  }
}

/** Where it stands on a controller, the application does not start; as a global one it comes here. */
function endless(): RiverTransactionError {
  return new RiverTransactionError(
    'RiverTransactionInterceptor: a stream of server-sent events has no end, and a transaction would ' +
      'hold its values until COMMIT. Keep the interceptor off this handler.',
    { code: 'RIVER_INVALID_TRANSACTION' },
  );
}

/** The handler's values; a promise is an Observable of one. */
async function collect(next: CallHandler, signal: AbortSignal, max: number): Promise<unknown[]> {
  const values: Observable<unknown[]> = next
    .handle()
    .pipe(takeUntil(fromEvent(signal, 'abort')), take(max + 1), toArray());
  const held = await lastValueFrom(values);
  if (held.length <= max) return held;
  throw new RiverTransactionError(
    `@RiverTransactional(): the handler's Observable answered more than ${max} values, which would ` +
      'have to be held in memory until COMMIT. Answer fewer, raise maxHeldValues, or stream outside ' +
      'of the transaction.',
    { code: 'RIVER_INVALID_TRANSACTION', field: 'maxHeldValues' },
  );
}

function maxHeldValues(declared: readonly TransactionalMethodOptions[]): number {
  const given = declared.flatMap((options) => options.maxHeldValues ?? []);
  return given.length > 0 ? Math.min(...given) : DEFAULT_MAX_HELD_VALUES;
}

/** Aborts when the client of an HTTP request goes away before its answer, where that is asked for. */
function watchClient(
  context: ExecutionContext,
  declared: readonly TransactionalMethodOptions[],
  controller: AbortController,
): () => void {
  const isAsked = declared.some(({ onDisconnect }) => onDisconnect === 'rollback');
  if (!isAsked || context.getType() !== 'http') return () => undefined;
  const answer = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
  const response = answer.raw ?? answer;
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort(new Error('the client went away'));
  };
  response.once('close', onClose);
  return () => response.removeListener('close', onClose);
}
