import type { ExecutionContext } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import type { OutsideTransaction } from '../job/insert-opts.js';

/** Options of `RiverModule.forRoot()` that a factory of `forRootAsync()` may give, too. */
export interface RiverModuleOptions {
  /**
   * The schema of River's tables: letters, digits and `_`, at most 46. Default: whatever the
   * session's `search_path` finds first.
   */
  readonly schema?: string | undefined;
  /** How often jobs may be tried that do not say themselves, 1 to 32767. Default 25. */
  readonly maxAttempts?: number | undefined;
  /**
   * What an `insert` does when there is no transaction to join: `allow` inserts by itself, `warn`
   * logs and inserts, `error` refuses. Default `allow`.
   */
  readonly outsideTransaction?: OutsideTransaction | undefined;
  /** Whether statements are prepared. Switch off for poolers that cannot. Default true. */
  readonly preparedStatements?: boolean | undefined;
  /**
   * For applications that open a query runner per request themselves: where it is kept. Inserts
   * without a `tx` join its transaction. Asked at each insert; `undefined` means there is none.
   *
   * @example (context) => context.switchToHttp().getRequest().queryRunner
   */
  readonly requestQueryRunner?:
    ((context: ExecutionContext) => QueryRunner | undefined) | undefined;
  /** The clock behind `createdAt`, `delay` and unique periods. Default `() => new Date()`. */
  readonly clock?: (() => Date) | undefined;
}
