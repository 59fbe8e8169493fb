import { DatabaseError, InsertOutcomeUnknownError } from '../errors/database-error.js';
import type { InsertParams } from '../insert/insert-params.js';
import type { JobInsertResult } from '../job/job-insert-result.js';
import type { Connection } from './connection.js';
import type { Wake } from './insert-notifier.js';
import { PLAIN_COLUMNS, UNIQUE_COLUMNS } from './insert-columns.js';
import { InsertStatements, LOST_RACE, type InsertForm } from './insert-statement.js';
import { manyJobsValues, oneJobValues } from './insert-values.js';
import { lostTooManyRaces, MAX_LOOKS } from './lost-races.js';
import { decodeJob } from './job-columns.js';
import type { TextRow } from './pg-client.js';
import type { SchemaName } from './schema-name.js';
import { expectedResult, withStored } from './stored-job.js';
import type { UniqueLocks } from './unique-locks.js';

/** What goes into one statement at most: the best size by measurement, and 16 MB of text. */
const MAX_ROWS = 5_000;
const MAX_LENGTH = 16_000_000;

/** Stores jobs; one job is a batch of one. */
export class JobInserter {
  readonly #schema: SchemaName;
  readonly #statements: InsertStatements;
  readonly #locks: UniqueLocks;

  constructor(schema: SchemaName, locks: UniqueLocks) {
    this.#schema = schema;
    this.#statements = new InsertStatements(schema);
    this.#locks = locks;
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
    const queues = workableQueues(jobs);
    const notify = wake.admit(queues);
    let results: JobInsertResult[];
    try {
      results = jobs.some(({ unique }) => unique?.path === 'lock')
        ? await connection.transaction((inner) => this.#insertLocked(inner, jobs, notify))
        : await this.#insertIndexed(connection, jobs, notify);
    } catch (error) {
      wake.stored([]);
      throw InsertOutcomeUnknownError.of(error);
    }
    const stored = results.filter((result) => !result.uniqueSkippedAsDuplicated);
    const areAll = stored.length === jobs.length;
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
    let expected: JobInsertResult[] = [];
    const rows = await this.#run(form, connection, { jobs, queues }, () => {
      expected = jobs.map(expectedResult);
    });
    return expected.map((result, index) => {
      const row = rows[index] ?? missingRow();
      return withStored(result, row['id'] ?? missingRow(), row);
    });
  }

  /** One statement, and another look after each lost race: nothing is half inserted by one job. */
  async #insertUniqueOne(
    connection: Connection,
    job: InsertParams,
    queues: readonly string[],
  ): Promise<JobInsertResult> {
    for (let look = 0; look < MAX_LOOKS; look++) {
      let expected: JobInsertResult | undefined;
      const [row] = await this.#run('uniqueOne', connection, { jobs: [job], queues }, () => {
        expected = expectedResult(job);
      });
      const result = readUnique(row ?? missingRow(), expected ?? missingRow());
      if (result !== undefined) return result;
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
      if (!(error instanceof DatabaseError && error.sqlState === LOST_RACE)) throw error;
      return await connection.transaction((inner) => this.#insertUnique(inner, jobs, notify));
    }
  }

  async #insertUniqueBy(
    form: 'unique' | 'uniqueOrNone',
    connection: Connection,
    { jobs, queues }: Batch,
  ): Promise<JobInsertResult[]> {
    const firstOf = firstsByKey(jobs);
    const results = new Map<InsertParams, JobInsertResult>();
    let open = jobs.filter((job) => (firstOf.get(keyOf(job)) ?? job) === job);
    for (let look = 0; open.length > 0; look++) {
      if (look === MAX_LOOKS) throw await lostTooManyRaces(connection, this.#schema);
      const isOne = open.length === 1;
      const rows = await this.#run(isOne ? 'uniqueOne' : form, connection, { jobs: open, queues });
      open = open.filter((job, place) => {
        const result = readUnique(rows[place] ?? missingRow(), expectedResult(job));
        if (result !== undefined) results.set(job, result);
        return result === undefined;
      });
    }
    return jobs.map((job) => {
      const own = results.get(job);
      if (own !== undefined) return own;
      const first = results.get(firstOf.get(keyOf(job)) ?? job) ?? missingRow();
      return { job: first.job, uniqueSkippedAsDuplicated: true };
    });
  }

  #run(
    form: InsertForm,
    connection: Connection,
    { jobs, queues }: Batch,
    meanwhile?: () => void,
  ): Promise<TextRow[]> {
    const columns = form === 'one' || form === 'many' ? PLAIN_COLUMNS : UNIQUE_COLUMNS;
    const [first] = jobs;
    const isOne = first !== undefined && (form === 'one' || form === 'uniqueOne');
    const values = isOne ? oneJobValues(first, columns) : manyJobsValues(jobs, columns);
    const notifies = isOne
      ? first.state === 'available' && queues.includes(first.queue)
      : queues.length > 0;
    if (notifies && !isOne) values.push(queues);
    const { inTransaction: tracked, isShared: shared = false } = connection;
    const statement = this.#statements.get(form, { tracked, notifies, shared });
    return connection.run(statement, values, meanwhile);
  }
}

/** Jobs for one statement, and the queues of them that it shall notify. */
interface Batch {
  readonly jobs: readonly InsertParams[];
  readonly queues: readonly string[];
}

/** The jobs in order, each part for one statement. */
function statementsOf(jobs: readonly InsertParams[]): (readonly InsertParams[])[] {
  if (jobs.length === 1) return [jobs];
  const parts: InsertParams[][] = [];
  let part: InsertParams[] = [];
  let length = 0;
  for (const job of jobs) {
    length += job.encodedArgs.length + job.metadata.length;
    if (parts.length === 0 || part.length === MAX_ROWS || length > MAX_LENGTH) {
      parts.push((part = []));
      length = job.encodedArgs.length + job.metadata.length;
    }
    part.push(job);
  }
  return parts;
}

function keyOf({ unique }: InsertParams): string | undefined {
  return unique?.path === 'index' ? unique.hash.toString('latin1') : undefined;
}

/** The first job of each unique key. */
function firstsByKey(jobs: readonly InsertParams[]): Map<string | undefined, InsertParams> {
  const firsts = new Map<string | undefined, InsertParams>();
  for (const job of jobs) {
    const key = keyOf(job);
    if (key !== undefined && !firsts.has(key)) firsts.set(key, job);
  }
  return firsts;
}

/** The queues of jobs that can be worked at once, each once, in order of first appearance. */
function workableQueues(
  jobs: readonly { readonly state: string; readonly queue: string }[],
): string[] {
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1)
    return first.state === 'available' ? [first.queue] : [];
  const queues = new Set<string>();
  for (const { state, queue } of jobs) if (state === 'available') queues.add(queue);
  return [...queues];
}

/** undefined: a concurrent insert won, and its row was not in the statement's snapshot. */
function readUnique(row: TextRow, expected: JobInsertResult): JobInsertResult | undefined {
  if (row['inserted'] != null) return withStored(expected, row['inserted'], row);
  const { existing } = row;
  if (existing == null) return undefined;
  return { job: decodeJob(JSON.parse(existing) as TextRow), uniqueSkippedAsDuplicated: true };
}

function missingRow(): never {
  throw new Error('nestjs-river: the insert answered fewer rows than it was given jobs');
}
