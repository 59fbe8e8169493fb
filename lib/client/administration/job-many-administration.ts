import {
  checkJobManyParams,
  type JobDeleteManyParams,
  type JobDeleteManyResult,
  type JobManyParams,
  type JobManyResult,
  type ManyAction,
} from '../../admin/job-many-params.js';
import { decodeJob } from '../../postgres/rows/job-columns.js';
import { jobManyStatement } from '../../postgres/administration/job-many-statements.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { Transaction } from '../../transaction/explicit-transaction.js';
import type { ClientConnections } from '../../transaction/client-connections.js';

/** A call about the jobs that filters pick. */
interface ManyJobs {
  readonly what: string;
  readonly named?: readonly [tx: unknown];
  readonly params: unknown;
}

/**
 * Cancels, retries and deletes jobs by filters: the oldest ids first, a hundred at a time unless
 * `first` says otherwise. Jobs that another transaction holds locked are passed over, so that an
 * empty result does not prove that none are left.
 */
export class JobManyAdministration {
  readonly #connections: ClientConnections;
  readonly #schema: SchemaName;

  /** @internal RiverModule makes the client; inject it. */
  constructor(connections: ClientConnections, schema: SchemaName) {
    this.#connections = connections;
    this.#schema = schema;
  }

  /**
   * Cancels the jobs that satisfy the filters, each as `jobCancel` does: one that waits is
   * `cancelled` at once, and the worker of a running one is notified. Jobs that have ended, running ones
   * that were cancelled before, and running ones whose metadata is not an object, in which a cancellation
   * cannot be recorded, are passed over.
   *
   * @returns the jobs that were changed, as they are now; a running one is still `running`
   * @throws InvalidParamsError, also without a filter, unless `unsafeAll` says that all are meant;
   *   DatabaseError
   * @example await river.jobCancelMany({ kinds: ['sort'], args: { tenant: 7 }, first: 1000 });
   */
  jobCancelMany(params: JobManyParams): Promise<JobManyResult> {
    return this.#change('cancel', { what: 'jobCancelMany', params });
  }

  /** {@link jobCancelMany} in the transaction given: workers are notified at its COMMIT. */
  jobCancelManyTx(tx: Transaction, params: JobManyParams): Promise<JobManyResult> {
    return this.#change('cancel', { what: 'jobCancelManyTx', named: [tx], params });
  }

  /**
   * Makes the jobs that satisfy the filters available now, each as `jobRetry` does. Completed ones
   * are worked again only if `states` or `ids` name them. Running ones, those that are available
   * already, and unique ones whose equal has taken their place are passed over; of several equal
   * unique ones, the oldest is retried.
   *
   * @returns the jobs that were changed, as they are now
   * @throws InvalidParamsError, also without a filter, unless `unsafeAll` says that all are meant;
   *   DatabaseError, with `sqlState` 23505 when an equal unique job is inserted at the same time
   * @example await river.jobRetryMany({ kinds: ['sort'], states: ['discarded'], first: 1000 });
   */
  jobRetryMany(params: JobManyParams): Promise<JobManyResult> {
    return this.#change('retry', { what: 'jobRetryMany', params });
  }

  /** {@link jobRetryMany} in the transaction given. */
  jobRetryManyTx(tx: Transaction, params: JobManyParams): Promise<JobManyResult> {
    return this.#change('retry', { what: 'jobRetryManyTx', named: [tx], params });
  }

  /**
   * Deletes the jobs that satisfy the filters. Running ones are never deleted.
   *
   * @returns the jobs as they were
   * @throws InvalidParamsError, also without a filter, unless `unsafeAll` says that all are meant;
   *   DatabaseError
   * @example await river.jobDeleteMany({ kinds: ['sort'], states: ['cancelled'], first: 1000 });
   */
  jobDeleteMany(params: JobDeleteManyParams): Promise<JobDeleteManyResult> {
    return this.#change('delete', { what: 'jobDeleteMany', params });
  }

  /** {@link jobDeleteMany} in the transaction given. */
  jobDeleteManyTx(tx: Transaction, params: JobDeleteManyParams): Promise<JobDeleteManyResult> {
    return this.#change('delete', { what: 'jobDeleteManyTx', named: [tx], params });
  }

  #change(action: ManyAction, { what, named, params }: ManyJobs): Promise<JobManyResult> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => checkJobManyParams(action, params),
      run: async (checked, { connection }) => {
        const { statement, values } = jobManyStatement(this.#schema, action, checked);
        return { jobs: (await connection.run(statement, values)).map(decodeJob) };
      },
    });
  }
}
