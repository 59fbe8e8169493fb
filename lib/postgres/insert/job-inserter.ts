import { DatabaseError, InsertOutcomeUnknownError } from '../../errors/database-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import type { Connection } from '../connection/connection.js';
import type { Wake } from './wake.js';
import { InsertRun } from './insert-run.js';
import { LOST_RACE } from './insert-statement.js';
import { InsertTriggers } from './insert-triggers.js';
import { statementsOf, withRepeats, workableQueues, type Batch } from './job-batches.js';
import { lostTooManyRaces, MAX_LOOKS } from './lost-races.js';
import { checkListSize } from './list-size.js';
import type { TextRow } from '../driver/pg-client.js';
import type { SchemaName } from '../connection/schema-name.js';
import { insertedResult, missingRow, readUnique } from '../rows/stored-job.js';
import { Dropped, TriggeredInserter } from './triggered-inserter.js';
import type { UniqueLocks } from './unique-locks.js';

/** Stores jobs; one job is a batch of one. */
export class JobInserter {
  readonly #schema: SchemaName;
  readonly #inserts: InsertRun;
  readonly #locks: UniqueLocks;
  readonly #triggers: InsertTriggers;
  readonly #triggered: TriggeredInserter;

  constructor(schema: SchemaName, locks: UniqueLocks) {
    this.#schema = schema;
    this.#triggers = new InsertTriggers(schema);
    this.#inserts = new InsertRun(schema, this.#triggers);
    this.#triggered = new TriggeredInserter(schema, this.#inserts, this.#triggers);
    this.#locks = locks;
  }

  /** Whether the table has triggers that may drop or change jobs, as far as is known. */
  get hasTriggers(): boolean {
    return this.#triggers.exist;
  }

  /**
   * @returns a result per job, in the order given. A unique job that is repeated in the list is
   *   stored once; the others are duplicates of the first.
   */
  async insert(
    connection: Connection,
    jobs: readonly InsertParams[],
    wake: Wake,
  ): Promise<JobInsertResult[]> {
    if (jobs.length === 0) return [];
    checkListSize(jobs);
    const queues = workableQueues(jobs);
    const notify = wake.admit(queues);
    let results: JobInsertResult[];
    try {
      results = jobs.some(({ unique }) => unique?.path === 'lock')
        ? await connection.transaction((inner) => this.#insertLocked(inner, jobs, notify))
        : await this.#insertIndexed(connection, jobs, notify);
    } catch (error) {
      wake.stored([]);
      throw error instanceof Dropped ? error.toError(jobs) : InsertOutcomeUnknownError.of(error);
    }
    const stored = results.filter((result) => !result.uniqueSkippedAsDuplicated);
    const areAll = stored.length === jobs.length && !this.#triggers.exist;
    wake.stored(areAll ? queues : workableQueues(stored.map(({ job }) => job)));
    return results;
  }

  /** Looks up the jobs of the lock path under their locks, and inserts what nothing stands before. */
  async #insertLocked(
    connection: Connection,
    jobs: readonly InsertParams[],
    notify: readonly string[],
  ): Promise<JobInsertResult[]> {
    const blockers = await this.#locks.acquire(connection, jobs);
    const missing = jobs.filter((_job, index) => blockers[index] === undefined);
    const inserted = await this.#insertIndexed(connection, missing, notify);
    const resultOf = new Map(missing.map((job, place) => [job, inserted[place]]));
    return jobs.map((job, index) => {
      const blocker = blockers[index];
      if (blocker === undefined) return resultOf.get(job) ?? missingRow();
      const existing =
        'row' in blocker ? blocker.row : (resultOf.get(blocker.given) ?? missingRow()).job;
      return { job: existing, uniqueSkippedAsDuplicated: true };
    });
  }

  #insertIndexed(
    connection: Connection,
    jobs: readonly InsertParams[],
    notify: readonly string[],
  ): Promise<JobInsertResult[]> {
    if (this.#triggers.exist) return this.#triggered.insert(connection, { jobs, queues: notify });
    // Not in parts where keys are unique: only one statement takes them in an order that knows no deadlock.
    if (jobs.some(({ unique }) => unique?.path === 'index')) {
      const [first] = jobs;
      return first !== undefined && jobs.length === 1
        ? this.#insertUniqueOne(connection, first, notify).then((result) => [result])
        : this.#insertUnique(connection, jobs, notify);
    }
    const [first = [], ...others] = statementsOf(jobs);
    if (others.length === 0) return this.#insertPlain(connection, first, notify);
    return connection.transaction(async (inner) => {
      const results = await this.#insertPlain(inner, first, notify);
      for (const part of others) results.push(...(await this.#insertPlain(inner, part, notify)));
      return results;
    });
  }

  /** One statement for jobs without keys. */
  async #insertPlain(
    connection: Connection,
    jobs: readonly InsertParams[],
    notify: readonly string[],
  ): Promise<JobInsertResult[]> {
    if (jobs.length === 0) return [];
    const queues =
      notify.length === 0 ? [] : workableQueues(jobs).filter((queue) => notify.includes(queue));
    const form = jobs.length === 1 ? 'one' : 'many';
    let rows: TextRow[];
    try {
      rows = await this.#inserts.run(form, connection, { jobs, queues });
    } catch (error) {
      const mayBeTrigger = form === 'many' && !connection.inTransaction && isDivisionByZero(error);
      if (!mayBeTrigger || !(await this.#triggers.ask(connection))) throw error;
      return await this.#triggered.insert(connection, { jobs, queues });
    }
    if (rows.length < jobs.length) {
      this.#triggers.note(true);
      if (jobs.length > 1) await this.#triggered.abort(connection);
      throw new Dropped(rows.length === 0 ? jobs[0] : undefined);
    }
    const results = jobs.map((job, index) => {
      const row = rows[index] ?? missingRow();
      return insertedResult(job, row['id'] ?? missingRow(), row);
    });
    return this.#triggers.exist ? await this.#triggered.asStored(connection, results) : results;
  }

  /** One statement, and another look after each lost race: nothing is half inserted by one job. */
  async #insertUniqueOne(
    connection: Connection,
    job: InsertParams,
    queues: readonly string[],
  ): Promise<JobInsertResult> {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const [row] = await this.#inserts.run('uniqueOne', connection, { jobs: [job], queues });
      const result = readUnique(row ?? missingRow(), job);
      if (this.#triggers.exist && result?.uniqueSkippedAsDuplicated !== true) {
        const [stored] = result
          ? await this.#triggered.asStored(connection, [result])
          : await this.#triggered.insert(connection, { jobs: [job], queues });
        return stored ?? missingRow();
      }
      if (result !== undefined) return result;
      this.#triggers.doubt();
    }
    throw await lostTooManyRaces(connection, this.#schema);
  }

  /** One statement. After a lost race there are more, so several jobs then need a transaction. */
  async #insertUnique(
    connection: Connection,
    jobs: readonly InsertParams[],
    notify: readonly string[],
  ): Promise<JobInsertResult[]> {
    if (connection.inTransaction) {
      return await this.#insertUniqueBy('unique', connection, { jobs, queues: notify });
    }
    try {
      return await this.#insertUniqueBy('uniqueOrNone', connection, { jobs, queues: notify });
    } catch (error) {
      if (!isDivisionByZero(error)) throw error;
      return await connection.transaction((inner) => this.#insertUnique(inner, jobs, notify));
    }
  }

  async #insertUniqueBy(
    form: 'unique' | 'uniqueOrNone',
    connection: Connection,
    { jobs, queues }: Batch,
  ): Promise<JobInsertResult[]> {
    return await withRepeats(jobs, async (firsts, results) => {
      let open = firsts;
      for (let look = 0; open.length > 0; look++) {
        if (look === MAX_LOOKS) {
          const error = await lostTooManyRaces(connection, this.#schema);
          // Others of the list may be inserted already, and the list is all or none.
          if (jobs.length > 1) await this.#triggered.abort(connection);
          throw error;
        }
        const of = open.length === 1 ? 'uniqueOne' : form;
        const rows = await this.#inserts.run(of, connection, { jobs: open, queues });
        open = open.filter((job, place) => {
          const result = readUnique(rows[place] ?? missingRow(), job);
          if (result !== undefined) results.set(job, result);
          return result === undefined;
        });
        if (open.length > 0) this.#triggers.doubt();
        if (this.#triggers.exist)
          return await this.#withTriggers(connection, { open, queues, results });
      }
    });
  }

  /** Goes on where a statement for several unique jobs discovered that there are triggers. */
  async #withTriggers(
    connection: Connection,
    {
      open,
      queues,
      results,
    }: {
      open: readonly InsertParams[];
      queues: readonly string[];
      results: Map<InsertParams, JobInsertResult>;
    },
  ): Promise<void> {
    const done = [...results].filter(([, result]) => !result.uniqueSkippedAsDuplicated);
    const stored = await this.#triggered.asStored(
      connection,
      done.map(([, result]) => result),
    );
    done.forEach(([job, result], place) => results.set(job, stored[place] ?? result));
    try {
      const rest = await this.#triggered.insert(connection, { jobs: open, queues });
      open.forEach((job, place) => results.set(job, rest[place] ?? missingRow()));
    } catch (error) {
      if (error instanceof Dropped && done.length > 0) await this.#triggered.abort(connection);
      throw error;
    }
  }
}

function isDivisionByZero(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlState === LOST_RACE;
}
