import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseError } from '../errors/database-error.js';
import { InsertAbortedError } from '../errors/insert-aborted-error.js';
import type { InsertParams } from '../insert/insert-params.js';
import type { JobInsertResult } from '../job/job-insert-result.js';

const DEFAULT_MAX_STATEMENTS = 2;
const DEFAULT_MAX_ROWS = 500;

/** How inserts that wait in the same moment share statements. */
export interface CoalesceOptions {
  /** Statements under way at once, each on a connection of the pool, 1 to 100. Default 2. */
  readonly maxStatements?: number | undefined;
  /** Jobs in one statement, 1 to 10000. A call of more goes by itself. Default 500. */
  readonly maxRows?: number | undefined;
}

/**
 * SQLSTATEs for which no job of a statement is to blame: of connections, transactions, resources,
 * time-outs and a missing table. Parts of the statement would fail, or wait, in the same way.
 */
const OF_NO_JOB = /^(08...|25...|26000|28...|3F000|42P01|53...|55P03|57...|58...)$/;

/** Characters of args and metadata in one statement, beyond its first call. */
const MAX_LENGTH = 1_000_000;

interface Call {
  readonly jobs: readonly InsertParams[];
  readonly resolve: (results: JobInsertResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** That of the code which loads this file first: the start of the application, as a rule. */
const inEmptyContext = AsyncLocalStorage.snapshot();

/**
 * Lets inserts outside of transactions that wait in the same moment go as one statement. Only jobs
 * that cannot wait for somebody else's transaction: a unique key that one holds would keep all jobs
 * in the statement waiting, and would keep the holder waiting for ever if it waited for one of them.
 *
 * A call that finds a lane free leaves in the turn in which it was made. The statements belong to no
 * caller, so they run in an empty asynchronous context, alone or together.
 */
export class InsertLanes {
  readonly #insert: (jobs: readonly InsertParams[]) => Promise<JobInsertResult[]>;
  readonly #maxStatements: number;
  readonly #maxRows: number;
  #waiting: Call[] = [];
  #callsUnderWay = 0;
  #statements = 0;
  #isAdvancing = false;

  constructor(
    insert: (jobs: readonly InsertParams[]) => Promise<JobInsertResult[]>,
    limits: CoalesceOptions,
  ) {
    this.#insert = insert;
    this.#maxStatements = limits.maxStatements ?? DEFAULT_MAX_STATEMENTS;
    this.#maxRows = limits.maxRows ?? DEFAULT_MAX_ROWS;
  }

  /** Whether these jobs may share a statement with others. */
  takes(jobs: readonly InsertParams[]): boolean {
    return (
      jobs.length > 0 &&
      jobs.length <= this.#maxRows &&
      jobs.every(({ unique }) => unique === undefined)
    );
  }

  /** @returns what the call would be answered alone, or fails as it would alone */
  insert(jobs: readonly InsertParams[]): Promise<JobInsertResult[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, resolve, reject });
      this.#advanceSoon();
    });
  }

  /** At the end of the turn's microtasks, so that the calls of one turn are seen together. */
  #advanceSoon(): void {
    if (this.#isAdvancing || this.#statements === this.#maxStatements) return;
    this.#isAdvancing = true;
    queueMicrotask(() => {
      this.#isAdvancing = false;
      this.#advance();
    });
  }

  #advance(): void {
    while (this.#statements < this.#maxStatements && this.#waiting.length > 0) {
      const calls = this.#take();
      this.#statements++;
      this.#callsUnderWay += calls.length;
      void inEmptyContext(() => this.#send(calls)).then(() => {
        this.#statements--;
        this.#callsUnderWay -= calls.length;
        this.#advanceSoon();
      });
    }
  }

  /** The next calls for one statement: no more than its share, so that the other lanes have theirs. */
  #take(): Call[] {
    if (this.#waiting.length === 1) return this.#waiting.splice(0);
    const outstanding = this.#waiting.length + this.#callsUnderWay;
    const share = Math.ceil(outstanding / this.#maxStatements);
    let rows = 0;
    let length = 0;
    const end = this.#waiting.findIndex(({ jobs }, place) => {
      rows += jobs.length;
      for (const { encodedArgs, metadata } of jobs) length += encodedArgs.length + metadata.length;
      const isFull = rows > this.#maxRows || length > MAX_LENGTH;
      return place > 0 && (place >= share || isFull);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  /** Never rejects. One statement for all; where the server refuses it, again in halves, down to who is to blame. */
  async #send(calls: readonly Call[]): Promise<void> {
    const open = calls.filter((call) => !isAborted(call));
    const [first] = open;
    if (first === undefined) return;
    try {
      // A caller alone does not pay for the others that are not there.
      if (open.length === 1) return first.resolve(await this.#insert(first.jobs));
      const results = await this.#insert(open.flatMap(({ jobs }) => jobs));
      let place = 0;
      for (const { jobs, resolve } of open) {
        resolve(results.slice(place, (place += jobs.length)));
      }
    } catch (error) {
      const { sqlState } = error instanceof DatabaseError ? error : {};
      const isOfOneJob = sqlState !== undefined && !OF_NO_JOB.test(sqlState);
      if (open.length === 1 || !isOfOneJob) {
        for (const { reject } of open) reject(error);
        return;
      }
      const half = open.length >> 1;
      await this.#send(open.slice(0, half));
      await this.#send(open.slice(half));
    }
  }
}

/** Whether the caller has given it up while it waited; it is told so. */
function isAborted({ jobs, reject }: Call): boolean {
  const aborted = jobs.find(({ signal }) => signal?.aborted);
  if (aborted !== undefined) reject(new InsertAbortedError(aborted.signal?.reason));
  return aborted !== undefined;
}
