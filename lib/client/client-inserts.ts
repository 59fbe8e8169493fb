import type { DataSource } from 'typeorm';
import { openSignals } from '../insert/insert-signals.js';
import { makeInsertParams, type InsertParams } from '../insert/insert-params.js';
import type { JobInsertResult } from '../job/row/job-insert-result.js';
import type { Connection } from '../postgres/connection/connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import { CopyInserter } from '../postgres/copy/copy-inserter.js';
import { JobInserter } from '../postgres/insert/job-inserter.js';
import { UniqueLocks } from '../postgres/insert/unique-locks.js';
import { UniqueLookUp } from '../postgres/insert/unique-look-up.js';
import type { ClientConnections, Place } from '../transaction/client-connections.js';
import type { ActiveWork } from '../transaction/engine/active-work.js';
import { InsertManyFastCall } from './bulk/insert-many-fast-call.js';
import type { InsertManyFastResult } from './bulk/insert-many-fast-options.js';
import { InsertContexts } from './inserts/insert-contexts.js';
import { makeItemParams, makeManyParams } from './inserts/insert-many-params.js';
import { InsertNotifications } from './inserts/insert-notifications.js';
import { OutsideInserts } from './inserts/outside-inserts.js';
import { checkOutsidePolicy } from './inserts/outside-policy.js';
import { periodicParams, type PeriodicTime } from './inserts/periodic-params.js';
import { explain, type UniqueExplanation } from './inserts/unique-explanation.js';
import type { ResolvedOptions } from './options/resolved-options.js';

/** The transaction of the caller, if the method takes one. */
type Named = readonly [tx: unknown] | undefined;

/** Args, and the options of their insert, as the caller gave them. */
type Given = readonly [args: unknown, opts: unknown];

/** The inserts of one client. */
export class ClientInserts {
  readonly notifications: InsertNotifications;
  readonly #connections: ClientConnections;
  readonly #contexts: InsertContexts;
  readonly #inserter: JobInserter;
  readonly #copier: CopyInserter;
  readonly #lookUp: UniqueLookUp;
  readonly #outside: OutsideInserts;

  constructor(
    connections: ClientConnections,
    schema: SchemaName,
    {
      dataSource,
      options,
      activeWork,
    }: { dataSource: DataSource; options: ResolvedOptions; activeWork: ActiveWork },
  ) {
    const { pool } = connections;
    this.#connections = connections;
    this.#contexts = new InsertContexts(options);
    this.#lookUp = new UniqueLookUp(schema);
    const locks = new UniqueLocks(this.#lookUp, options.advisoryLockPrefix);
    this.#inserter = new JobInserter(schema, locks);
    this.#copier = new CopyInserter(schema, this.#inserter, { dataSource, activeWork });
    this.notifications = new InsertNotifications(options.notify, schema, { pool, activeWork });
    this.#outside = new OutsideInserts(
      {
        insert: (place, jobs) =>
          this.#inserter.insert(place, jobs, this.notifications.wake(undefined)),
        // Where a trigger may drop jobs, each call goes alone: it must not be undone with another's.
        canShare: () => !this.#inserter.hasTriggers,
      },
      { dataSource, connections, activeWork, options },
    );
  }

  one(named: Named, [args, opts]: Given): Promise<JobInsertResult> {
    const prepare = (): InsertParams[] => [makeInsertParams(args, opts, this.#contexts.next())];
    return this.#begin(named, prepare, ([result]) => result as JobInsertResult);
  }

  many(named: Named, items: unknown): Promise<JobInsertResult[]> {
    const prepare = (): InsertParams[] => makeManyParams(items, this.#contexts.next());
    return this.#begin(named, prepare, (results) => results);
  }

  fast(named: Named, items: unknown, opts: unknown): Promise<InsertManyFastResult> {
    return this.#connections.begin({
      what: 'An insert',
      named,
      prepare: () => new InsertManyFastCall(items, opts, this.#contexts.next()),
      run: (call, place) => {
        const run = (): Promise<InsertManyFastResult> =>
          call.run(this.#copier, place, this.notifications.wake(place.transaction));
        return place.transaction === undefined ? this.#outside.pending.run(1, run) : run();
      },
    });
  }

  /**
   * Prepares the job that a periodic job makes for one time.
   *
   * @returns inserts it in a transaction
   * @throws InvalidJobError
   */
  periodic(item: unknown, time: PeriodicTime): (inner: Connection) => Promise<JobInsertResult> {
    const job = periodicParams(makeItemParams(item, this.#contexts.next()), time);
    return async (inner) => {
      const [result] = await this.#inserter.insert(inner, [job], this.notifications.ofWorker);
      return result as JobInsertResult;
    };
  }

  explain([args, opts]: Given): Promise<UniqueExplanation> {
    return this.#connections.begin({
      what: 'explainUnique',
      prepare: () => makeInsertParams(args, opts, this.#contexts.next()),
      run: (job, { connection }) => explain(job, this.#lookUp, connection),
    });
  }

  #begin<T>(
    named: Named,
    prepare: () => InsertParams[],
    read: (results: JobInsertResult[]) => T,
  ): Promise<T> {
    return this.#connections.begin({
      what: 'An insert',
      named,
      prepare,
      run: (jobs, place) => this.#insert(jobs, place).then(read),
    });
  }

  #insert(
    jobs: readonly InsertParams[],
    { connection, transaction }: Place,
  ): Promise<JobInsertResult[]> {
    const signals = openSignals(jobs);
    if (transaction !== undefined)
      return this.#inserter.insert(connection, jobs, this.notifications.wake(transaction));
    checkOutsidePolicy(jobs);
    return this.#outside.insert(jobs, signals);
  }
}
