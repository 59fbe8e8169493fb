import type { DataSource } from 'typeorm';
import { checkJobId, type JobId } from '../admin/job-id.js';
import { resolveOptions } from '../client/options/resolved-options.js';
import { RiverClient } from '../client/river-client.js';
import { JobNotFoundError } from '../errors/administration-errors.js';
import type { Jsonify } from '../job/row/jsonify.js';
import type { JobRow } from '../job/row/job-row.js';
import { decodeJob } from '../postgres/rows/job-columns.js';
import { ambientTransactionOf } from '../transaction/context/ambient-transaction.js';
import type { ActiveWork } from '../transaction/engine/active-work.js';
import { readBy } from './fake-readers.js';
import { checkExpected, differences, type ExpectedJob } from './expected-job.js';
import { kindOf, type JobClass } from './job-class.js';
import { currentTime } from './memory/clock.js';
import type { MemoryClient } from './memory/memory-client.js';
import { storeOf } from './memory/memory-data-source.js';
import { MemoryStore, type MemoryTransaction } from './memory/memory-store.js';
import { jsonbText, parseJsonb, printJsonb } from './memory/jsonb.js';
import { jobRow, type JobRecord } from './memory/records.js';
import { applicationOf } from './stand-ins.js';

/** Does the work of a job in {@link FakeRiverClient.work}; what it returns is the output. */
export type FakeWorker<Args = unknown> = (job: JobRow<Jsonify<Args>>) => unknown;

/**
 * The client of `RiverTestingModule`: the real one over River's tables in memory. It sees what was
 * inserted, and plays the part of the worker.
 */
export class FakeRiverClient extends RiverClient {
  static {
    for (const name of transactionMethods()) {
      const method = methodOf(name);
      Object.defineProperty(this.prototype, name, {
        // Not async: the promise of a call knows whether anybody awaits it.
        value: function (this: FakeRiverClient, tx: unknown, ...rest: unknown[]): Promise<unknown> {
          const application = applicationOf(this.#dataSource);
          if (application?.isOfApplication(tx) !== true) return method.call(this, tx, ...rest);
          if (application.isMock(tx)) readBy(tx, this);
          try {
            const standIn = application.standIn(tx);
            return standIn ? method.call(this, standIn, ...rest) : this.#alone(method, rest);
          } catch (error) {
            return Promise.reject(error);
          }
        },
        configurable: true,
        writable: true,
      });
    }
  }

  readonly #dataSource: DataSource;
  readonly #store: MemoryStore;
  readonly #workers = new Map<string, (job: never) => unknown>();

  /** @internal Made by RiverTestingModule. */
  constructor(dataSource: DataSource, options: unknown, activeWork?: ActiveWork) {
    super(dataSource, resolveOptions(options), activeWork);
    this.#dataSource = dataSource;
    this.#store = storeOf(dataSource) ?? new MemoryStore();
    applicationOf(dataSource)?.showTo(this);
    this.#store.onCommit((jobs) => this.#workOn(jobs));
  }

  /**
   * The jobs that are stored, in the order of their inserts: those committed, and those of the
   * transaction that the running code is in. What was rolled back is not among them.
   */
  get inserted(): readonly JobRow[] {
    return this.#view().map((job) => decodeJob(jobRow(job)));
  }

  /** Those of {@link inserted} that are of a class, or a kind, and as expected. */
  insertedOf<Args extends object>(
    jobClass: JobClass<Args>,
    expected: ExpectedJob<Args> = {},
  ): readonly JobRow<Jsonify<Args>>[] {
    checkExpected(expected);
    const kind = kindOf(jobClass);
    const jobs = this.inserted.filter((job) => job.kind === kind);
    return jobs.filter((job) => differences(job, expected).length === 0) as never;
  }

  /**
   * Makes a job running, as a worker does that takes it.
   *
   * @param attemptedAt when it does so; one that lies back makes the job stuck, for `jobRescue`
   */
  take<Args>(
    job: JobRow<Args> | JobId,
    { attemptedAt }: { readonly attemptedAt?: Date | undefined } = {},
  ): JobRow<Args> {
    const began = attemptedAt?.getTime() ?? currentTime();
    return this.#change(job, () => ({ state: 'running', attemptedAt: began, finalizedAt: null }));
  }

  /** Completes a job, as a worker does, with what it records by `river.RecordOutput`. */
  complete<Args>(job: JobRow<Args> | JobId, output?: unknown): JobRow<Args> {
    return this.#change(job, (record) => ({
      state: 'completed',
      metadata: output === undefined ? record.metadata : withOutput(record.metadata, output),
    }));
  }

  /** Discards a job, as a worker does whose last attempt has failed. */
  discard<Args>(job: JobRow<Args> | JobId, error: unknown): JobRow<Args> {
    const text = error instanceof Error ? error.message : String(error);
    return this.#change(job, ({ attempt, errors }) => {
      const failed = { at: new Date(), attempt: attempt + 1, error: text, trace: '' };
      return { state: 'discarded', errors: [...errors, jsonbText(JSON.stringify(failed))] };
    });
  }

  /**
   * From now on jobs of a class are worked once they are committed and available: completed with what
   * `worker` returns, or discarded with what it throws. So `insertAndWait` comes to its end.
   *
   * @example river.work(SortArgs, ({ args }) => args.strings.toSorted());
   */
  work<Args extends object>(jobClass: JobClass<Args>, worker: FakeWorker<Args>): void {
    this.#workers.set(kindOf(jobClass), worker);
  }

  /** Forgets all jobs, queues and workers; for `afterEach`, where tests share an application. */
  clear(): void {
    this.#store.clear();
    this.#workers.clear();
  }

  /** Calls a method in a transaction for it alone. */
  async #alone(method: Method, rest: readonly unknown[]): Promise<unknown> {
    const own = this.#dataSource.createQueryRunner();
    await own.startTransaction();
    try {
      const result = await method.call(this, own, ...rest);
      await own.commitTransaction();
      return result;
    } catch (error) {
      await own.rollbackTransaction();
      throw error;
    } finally {
      await own.release();
    }
  }

  #view(): readonly JobRecord[] {
    const ambient = ambientTransactionOf(this.#dataSource, { lenient: true });
    const { databaseConnection } = (ambient?.queryRunner ?? {}) as {
      databaseConnection?: MemoryClient;
    };
    return this.#in(databaseConnection?.transaction, (transaction) => transaction.jobs());
  }

  /** Runs in the transaction given, or in one for the purpose. */
  #in<T>(given: MemoryTransaction | undefined, run: (transaction: MemoryTransaction) => T): T {
    if (given !== undefined) return run(given);
    const own = this.#store.begin();
    try {
      const result = run(own);
      own.commit();
      return result;
    } catch (error) {
      own.rollBack();
      throw error;
    }
  }

  #change<Args>(
    job: JobRow<Args> | JobId,
    change: (record: JobRecord) => Partial<JobRecord>,
  ): JobRow<Args> {
    const id = checkJobId(typeof job === 'object' ? job.id : job);
    return this.#in(undefined, (transaction) => {
      const record = transaction.job(BigInt(id));
      if (record === undefined) throw new JobNotFoundError(id);
      const now = currentTime();
      const worked = { attempt: record.attempt + 1, attemptedAt: now, attemptedBy: ['fake'] };
      const changes = { ...worked, finalizedAt: now, ...change(record) };
      return decodeJob(jobRow(transaction.updateJob(record, changes))) as JobRow<Args>;
    });
  }

  #workOn(jobs: readonly JobRecord[]): void {
    for (const record of jobs) {
      const worker = this.#workers.get(record.kind);
      if (worker !== undefined && record.state === 'available') void this.#workOne(record, worker);
    }
  }

  async #workOne(record: JobRecord, worker: (job: never) => unknown): Promise<void> {
    const job = decodeJob(jobRow(record));
    try {
      // In a later turn, so that the insert is done before.
      await Promise.resolve();
      const output = await worker(job as never);
      if (this.#store.jobs.has(record.id)) this.complete(job, output);
    } catch (error) {
      if (this.#store.jobs.has(record.id)) this.discard(job, error);
    }
  }
}

type Method = (...args: unknown[]) => Promise<unknown>;

function methodOf(name: string): Method {
  const methods = RiverClient.prototype as unknown as Readonly<Record<string, Method>>;
  return methods[name] as Method;
}

function transactionMethods(): string[] {
  return Object.getOwnPropertyNames(RiverClient.prototype).filter((name) => name.endsWith('Tx'));
}

function withOutput(metadata: string, output: unknown): string {
  const object = parseJsonb(metadata);
  if (object instanceof Map) object.set('output', parseJsonb(JSON.stringify(output)));
  return printJsonb(object);
}
