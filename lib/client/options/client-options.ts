import type { ExecutionContext } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import type { OutsideTransaction } from '../../job/insert-options.js';
import type { TransactionSource } from '../../transaction/context/ambient-transaction.js';

/** How an insert wakes River's workers. */
export interface NotifyOptions {
  /**
   * When an insert that joins a transaction notifies. `transaction`: by its own statement, so that
   * the notification leaves with the COMMIT. `afterCommit`: by another connection once
   * `RiverTransaction` has committed, through the cooldown; spares busy databases the lock that
   * Postgres takes at the commit of every notifying transaction. A transaction that the application
   * opened itself always notifies by its own statement. Default `transaction`.
   */
  readonly mode?: 'transaction' | 'afterCommit' | undefined;
  /**
   * Milliseconds in which inserts outside of transactions notify a queue at most once. What falls
   * into them is notified at their end. 0 notifies always. Default 100, as River's Go client.
   */
  readonly cooldownMs?: number | undefined;
}

/** How inserts that wait in the same moment share statements. */
export interface CoalesceOptions {
  /**
   * Statements under way at once, each on a connection of the pool, 1 to 100. One that has not been
   * answered for 50 ms does not count. Default 2.
   */
  readonly maxStatements?: number | undefined;
  /** Jobs in one statement, 1 to 5000. A call of more goes alone. Default 500. */
  readonly maxRows?: number | undefined;
}

/** How the client learns that jobs which are waited for have ended. */
export interface WaitPollOptions {
  /**
   * **Milliseconds** between two looks for ended jobs at most, 10 to 60000. The first look comes after
   * 10, and pauses grow while no job ends. Default 250.
   */
  readonly maxPollMs?: number | undefined;
}

/** Options of `RiverModule.forRoot()` that a factory of `forRootAsync()` may give, too. */
export interface RiverModuleOptions {
  /**
   * The schema of River's tables: letters, digits and `_`, at most 46. Default: whatever the
   * session's `search_path` finds first.
   */
  readonly schema?: string | undefined;
  /**
   * Whether the application brings River's tables to the newest version as it starts, as the
   * database user of its data source. Meant for development; a deployment migrates by itself
   * (`nestjs-river migrate-up`, or `riverMigration` of `nestjs-river/migrations`). Default false.
   */
  readonly migrate?: boolean | undefined;
  /** How often jobs may be tried that do not say themselves, 1 to 32767. Default 25. */
  readonly maxAttempts?: number | undefined;
  /**
   * What an `insert` does when there is no transaction to join: `allow` inserts by itself, `warn`
   * logs and inserts, `error` refuses. Default `allow`.
   */
  readonly outsideTransaction?: OutsideTransaction | undefined;
  /** How workers are woken, `false`: not at all, they find jobs when they poll. Default `{}`. */
  readonly notify?: NotifyOptions | false | undefined;
  /**
   * Keeps the advisory locks of unique jobs that take the lock path apart from the application's own:
   * the upper 32 bits of their numbers, 0 to 4294967295. Default: all 64 bits come from the job.
   */
  readonly advisoryLockPrefix?: number | undefined;
  /**
   * Whether statements are prepared under a name. Default: true, unless the data source is found to be
   * behind a pooler that does not keep track of names, such as PgBouncer without
   * `max_prepared_statements`. A value that is set is never changed.
   */
  readonly preparedStatements?: boolean | undefined;
  /**
   * Inserts outside of transactions that wait in the same moment go as one statement, each with its
   * own answer or error; jobs with unique options always go alone. These statements run in an empty
   * asynchronous context: `false` for row-level security by settings that follow the request, and for
   * traces that shall show each insert under its request. Default `{}`.
   */
  readonly coalesce?: CoalesceOptions | false | undefined;
  /**
   * Jobs that inserts outside transactions may keep waiting for the database at the same time, 1 to
   * 4294967295. The next insert is rejected at once with a `TooManyPendingInsertsError`. A list counts
   * its jobs, but a hundredth of the limit at most; an `insertManyFast` counts 1. Default 10000.
   */
  readonly maxPendingInserts?: number | undefined;
  /**
   * For applications that open a query runner per request themselves: where it is kept. Inserts
   * without a `tx` join its transaction. Asked at each insert; `undefined` means there is none.
   *
   * @example (context) => context.switchToHttp().getRequest().queryRunner
   */
  readonly requestQueryRunner?:
    ((context: ExecutionContext) => QueryRunner | undefined) | undefined;
  /**
   * Whether injected repositories, `dataSource.manager`, active record, query builders and raw
   * queries join the transaction that the running code is in. Default true.
   */
  readonly joinRepositories?: boolean | undefined;
  /**
   * Tells which transaction the running code is in, when another package opened it. Inserts without
   * a `tx` join it. See the adapters `nestjs-river/nestjs-cls` and `nestjs-river/typeorm-transactional`.
   */
  readonly transactionSource?: TransactionSource | undefined;
  /** Told of errors of `afterCommit` and `afterRollback` hooks, which are logged in any case. */
  readonly onHookError?: ((error: unknown) => void) | undefined;
  /**
   * Milliseconds that an `afterCommit` or `afterRollback` hook may take before the next one runs and
   * `onHookError` receives a `HookTimeoutError`. Default 10000.
   */
  readonly hookTimeoutMs?: number | undefined;
  /**
   * Milliseconds that code in an open transaction waits for a second connection of the pool, in
   * `transaction.outside(...)`, REQUIRES_NEW, NOT_SUPPORTED or on a query runner of its own, before it
   * fails with a `SecondConnectionTimeoutError`. Default 5000.
   */
  readonly secondConnectionTimeoutMs?: number | undefined;
  /**
   * Milliseconds to wait, when the application ends, for inserts and transactions under way before the
   * data source is closed. Default 10000.
   */
  readonly shutdownTimeoutMs?: number | undefined;
  /** How `waitFor` and `insertAndWait` learn that jobs have ended. Default `{}`. */
  readonly waitFor?: WaitPollOptions | undefined;
  /**
   * A clock whose times are stored, for tests. By default `createdAt`, `scheduledAt` and `delay` are
   * counted by the database's clock, and the periods of River's unique keys by that of this process.
   */
  readonly clock?: (() => Date) | undefined;
}
