import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { from, lastValueFrom, mergeMap, toArray, type Observable } from 'rxjs';
import { getRiverTransactionToken } from '../tokens.js';
import { isOpened, markOpened } from './opened-calls.js';
import type { RiverTransaction } from './river-transaction.js';
import {
  transactionsOf,
  withoutName,
  type RiverTransactionalOptions,
} from './transactional-metadata.js';

/**
 * Runs a handler in a transaction: its pipes and parameter decorators, the handler, and the values
 * of its Observable. They are held until COMMIT succeeded, so no answer leaves for work that is not
 * stored. An error rolls back and goes on to the exception filters unchanged.
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
    // It stands on the controller, too.
    if (isOpened(declared)) return next.handle();
    const handle = (): Promise<unknown[]> => lastValueFrom(next.handle().pipe(toArray()));
    const inTransactions = (declared.length > 0 ? declared : [{}]).reduceRight<
      () => Promise<unknown[]>
    >(
      (inner, options: RiverTransactionalOptions) => () =>
        this.#transaction(options.name).run(withoutName(options), inner),
      () => markOpened(declared, handle),
    );
    return from(inTransactions()).pipe(mergeMap((values) => values));
  }

  #transaction(name: string | undefined): RiverTransaction {
    return this.#moduleRef.get<RiverTransaction>(getRiverTransactionToken(name), { strict: false });
  }
}
