import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { DataSource, QueryRunner } from 'typeorm';
import { describeValue } from '../errors/describe-value.js';
import { NotInTransactionError, RiverTransactionError } from '../errors/transaction-errors.js';
import { runInLevel, type AmbientTransaction } from '../transaction/context/ambient-transaction.js';
import { isQueryRunner, requireDataSource } from '../transaction/explicit-transaction.js';
import { ForeignTransaction } from '../transaction/foreign-transaction.js';
import { scopeOf } from '../transaction/statements/scope-of.js';

/**
 * On every handler of the application: notes which data source the client's name means in it, and
 * lets inserts join the query runner that the application itself keeps for each request (the
 * module's option `requestQueryRunner`). It is asked for at each insert, so it does not matter
 * whether the application's interceptor runs before or after this one.
 */
export class RequestTransactionInterceptor implements NestInterceptor {
  readonly #name: string;
  readonly #dataSource: DataSource;
  readonly #find: ((context: ExecutionContext) => QueryRunner | undefined) | undefined;

  constructor(
    name: string,
    dataSource: DataSource,
    find: ((context: ExecutionContext) => QueryRunner | undefined) | undefined,
  ) {
    this.#name = name;
    this.#dataSource = dataSource;
    this.#find = find;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const find = this.#find;
    const level = { dataSource: this.#dataSource, name: this.#name };
    if (find === undefined) return runInLevel(level, () => next.handle());
    const current = ({ lenient }: { lenient: boolean }): AmbientTransaction | undefined =>
      asTransaction(find(context), this.#dataSource, lenient);
    return runInLevel({ ...level, current }, () => next.handle());
  }
}

function asTransaction(
  found: unknown,
  dataSource: DataSource,
  lenient: boolean,
): AmbientTransaction | undefined {
  if (found === undefined || found === null) return undefined;
  if (!isQueryRunner(found)) {
    throw new RiverTransactionError(
      `requestQueryRunner: must return a QueryRunner or undefined; got ${describeValue(found)}.`,
      { code: 'RIVER_INVALID_TRANSACTION', field: 'requestQueryRunner' },
    );
  }
  requireDataSource(found, dataSource, 'requestQueryRunner');
  if (lenient && (found.isReleased || !found.isTransactionActive)) return undefined;
  return scopeOf(found) ?? ForeignTransaction.on(found, dataSource, notOpen);
}

function notOpen(): NotInTransactionError {
  return new NotInTransactionError(
    "requestQueryRunner: the request's query runner is not in a transaction (not begun, or ended " +
      'already). Insert while it is, or return undefined where a job may be inserted outside one.',
  );
}
