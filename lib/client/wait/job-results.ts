import { checkJobId } from '../../admin/job-id.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { invalidParams } from '../../errors/invalid-errors.js';
import { reading } from '../../errors/reading.js';
import { RiverError } from '../../errors/river-error.js';
import { RiverTransactionError, ShuttingDownError } from '../../errors/transaction-errors.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import { WaitAbortedError } from '../../errors/wait-errors.js';
import { resultOf, type JobResult } from '../../job/row/job-result.js';
import { FinishedJobs } from '../../postgres/administration/finished-jobs.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { JoinableTransaction } from '../../transaction/context/ambient-transaction.js';
import type { ClientConnections } from '../../transaction/client-connections.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { JobWaiter } from './job-waiter.js';
import { checkWaitOptions, type CheckedWaitOptions } from './wait-options.js';

/** What workers answer to the jobs of one client. */
export class JobResults {
  readonly #connections: ClientConnections;
  readonly #waiter: JobWaiter;

  constructor(
    connections: ClientConnections,
    schema: SchemaName,
    { maxPollMs }: ResolvedOptions['waitFor'],
  ) {
    this.#connections = connections;
    const finished = new FinishedJobs(schema);
    this.#waiter = new JobWaiter(
      (ids) => connections.alone((connection) => finished.look(connection, ids)),
      maxPollMs,
    );
  }

  waitFor(job: unknown, options: unknown): Promise<JobResult> {
    return this.#begin('waitFor', options, async (limits) => {
      const row = await this.#waiter.wait(checkJobId(idOf(job), 'job'), limits);
      return resultOf(row, limits.parseOutput);
    });
  }

  insertAndWait(
    insert: () => Promise<JobInsertResult>,
    options: unknown,
  ): Promise<JobResult & JobInsertResult> {
    return this.#begin('insertAndWait', options, async (limits) => {
      this.#waiter.requireOpen();
      const { signal } = limits;
      if (signal?.aborted) throw new WaitAbortedError(undefined, signal.reason);
      const { job, uniqueSkippedAsDuplicated } = await insert();
      const row = await this.#waiter.wait(job.id, limits).catch((error: unknown) => {
        throw uniqueSkippedAsDuplicated ? error : afterInsert(error);
      });
      return { ...resultOf(row, limits.parseOutput), uniqueSkippedAsDuplicated };
    });
  }

  /** Jobs have ended in this process: whoever waits for one of them need not wait for the next poll. */
  ended(ids: Iterable<string>): void {
    this.#waiter.ended(ids);
  }

  /** Rejects all waits, so that nobody who waits keeps the application from ending. */
  close(): void {
    this.#waiter.close();
  }

  /** Rejects the waits under way. Later ones are possible. */
  interrupt(reason: Error): void {
    this.#waiter.rejectAll(reason);
  }

  #begin<Result>(
    what: string,
    options: unknown,
    run: (limits: CheckedWaitOptions) => Promise<Result>,
  ): Promise<Result> {
    return this.#connections.begin({
      what,
      prepare: () => checkWaitOptions(options),
      run: async (limits, { transaction }) => {
        refuseIn(transaction, what);
        return await run(limits);
      },
    });
  }
}

/**
 * The error of a wait whose job the same call has stored: to call it again would store another one.
 * Waits share the errors of the database and of the shutdown.
 */
function afterInsert(error: unknown): unknown {
  if (error instanceof ShuttingDownError) return error.afterInsert();
  if (error instanceof DatabaseError)
    return new DatabaseError('wait', error.cause, { outcome: 'unknown' });
  if (!(error instanceof RiverError)) return error;
  return Object.assign(error, { outcome: 'unknown', retryable: false });
}

function idOf(job: unknown): unknown {
  return reading(invalidParams.bind(undefined, 'job'), () =>
    typeof job === 'object' && job !== null && 'id' in job ? job.id : job,
  );
}

/**
 * No worker sees a job before the transaction that inserted it has ended; and a transaction that
 * waits for a worker keeps its locks, which the worker may need.
 */
function refuseIn(transaction: JoinableTransaction | undefined, what: string): void {
  if (transaction === undefined) return;
  const instead =
    what === 'waitFor'
      ? 'For a job that is committed already, wrap the wait in transaction.outside(...).'
      : 'To insert the job by itself, wrap the call in transaction.outside(...).';
  throw new RiverTransactionError(
    `${what}: was called in a transaction, where it may never end: workers see the job only when the ` +
      'transaction that inserts it is committed. Insert in the transaction, and call waitFor when it ' +
      `has ended: after run(...), or in an afterCommit hook. ${instead}`,
    { code: 'RIVER_WAIT_IN_TRANSACTION' },
  );
}
