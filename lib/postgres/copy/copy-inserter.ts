import type { DataSource } from 'typeorm';
import { DatabaseError, InsertOutcomeUnknownError } from '../../errors/database-errors.js';
import {
  JobDroppedError,
  InsertAbortedError,
  UniqueConflictError,
} from '../../errors/insert-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import { inTransaction, type ClientConnection, type Connection } from '../connection/connection.js';
import { CopyFeed, type CopyProgress, type JobSource } from './copy-feed.js';
import { copyStatements, type CopyStatements } from './copy-statements.js';
import { whileUseful } from './copy-watch.js';
import {
  databaseTime,
  inTimedTransaction,
  type DatabaseTime,
} from '../connection/database-time.js';
import type { CopyRows } from '../connection/copy-in.js';
import type { Wake } from '../insert/wake.js';
import { hiddenOrDropped } from '../insert/lost-races.js';
import type { JobInserter } from '../insert/job-inserter.js';
import type { SchemaName } from '../connection/schema-name.js';
import { withDeadline } from '../../abort-signal.js';

/** One bulk insert. */
export interface CopyInsert {
  readonly source: JobSource;
  /** What a job in the way of a unique one does: fails the whole, or is left alone. */
  readonly onConflict: 'fail' | 'skip';
  readonly onProgress?: CopyProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly wake: Wake;
}

/** What became of the jobs. */
interface Inserted {
  readonly inserted: number;
  readonly skipped: number;
  /** Those that got jobs which can be worked at once. */
  readonly queues: readonly string[];
}

/** What one insert works with while it has a connection to itself. */
interface Load extends Pick<CopyInsert, 'onConflict'> {
  readonly feed: CopyFeed;
  readonly interrupt: AbortController;
  /** Whether the connection is in somebody's transaction. */
  readonly isJoined: boolean;
}

/** Asks for the time of the transaction, which may be known already. */
type AskTime = () => Promise<DatabaseTime>;

const NOTHING: Inserted = { inserted: 0, skipped: 0, queues: [] };

/** What a bulk insert needs to know of the application. */
export interface CopyHost {
  readonly dataSource: DataSource;
  /** What the end of the application waits for. */
  readonly activeWork: ActiveWork;
}

interface ActiveWork {
  follow(work: Promise<unknown>): void;
  /** Calls `tell` when the application does not wait any longer; returns what undoes it. */
  onAbort(tell: (reason: Error) => void): () => void;
}

/** Jobs of a statement where there is no COPY. */
const BATCH_SIZE = 1_000;

/** Stores jobs by COPY: as many as there are, without holding them in memory. All of them or none. */
export class CopyInserter {
  readonly #schema: SchemaName;
  readonly #statements: CopyStatements;
  readonly #inserter: JobInserter;
  readonly #host: CopyHost;

  constructor(schema: SchemaName, inserter: JobInserter, host: CopyHost) {
    this.#schema = schema;
    this.#statements = copyStatements(schema);
    this.#inserter = inserter;
    this.#host = host;
  }

  insert(connection: Connection, insert: CopyInsert): Promise<Omit<Inserted, 'queues'>> {
    const inserted = this.#insert(connection, insert);
    // In a transaction that the application has opened, nothing else would be waited for.
    this.#host.activeWork.follow(inserted);
    return inserted;
  }

  async #insert(
    connection: Connection,
    { source, onProgress, signal, wake, onConflict }: CopyInsert,
  ): Promise<Omit<Inserted, 'queues'>> {
    const feed = new CopyFeed(source, onProgress);
    const interrupt = new AbortController();
    const abort = (): void => interrupt.abort(new InsertAbortedError(signal?.reason, ABORTED));
    signal?.addEventListener('abort', abort);
    const stay = this.#host.activeWork.onAbort((reason) => interrupt.abort(reason));
    try {
      if (signal?.aborted) throw new InsertAbortedError(signal.reason);
      const { queues, ...counts } = await this.#load(connection, {
        feed,
        interrupt,
        onConflict,
      });
      if (connection.inTransaction && counts.inserted > 0)
        await connection.run(this.#statements.wake, [wake.admit(queues)]);
      wake.stored(queues);
      return counts;
    } catch (error) {
      throw InsertOutcomeUnknownError.of(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      stay();
      await source.close();
    }
  }

  /** On one connection; what is aborted before there is one does not wait for it. */
  async #load(connection: Connection, load: Omit<Load, 'isJoined'>): Promise<Inserted> {
    const { feed, interrupt } = load;
    const { dataSource } = this.#host;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const loaded = connection.exclusive((own, others) => {
      begin();
      // Also one that a test holds, which the pool's connection does not know of.
      const joined = { ...load, isJoined: own.client.getTransactionStatus() !== 'I' };
      return whileUseful(
        { dataSource, client: own.client, others, feed, interrupt },
        async (last) =>
          own.canCopy
            ? await this.#copy(own, joined, last)
            : await this.#insertBatches(own, joined, last),
      );
    });
    loaded.catch(() => undefined);
    await withDeadline(Promise.race([begun, loaded]), { signals: [interrupt.signal] });
    return await loaded;
  }

  async #copy(own: ClientConnection, load: Load, last: () => void): Promise<Inserted> {
    const { feed, interrupt, onConflict } = load;
    if (!(await withDeadline(feed.fill(), { signals: [interrupt.signal] }))) return NOTHING;
    return await this.#atomically(own, load, async (ask) => {
      const now = await ask();
      // COPY's binary format has no mark for a column's default, so that the time is sent with the rows.
      const next = async (): Promise<Buffer | undefined> =>
        (await feed.fill()) ? feed.rows(now) : undefined;
      const rows: CopyRows = { first: feed.rows(now), next, interrupt };
      const inserted =
        onConflict === 'skip'
          ? await this.#copyStaged(own, rows, feed)
          : await this.#copyAll(own, rows, feed);
      last();
      return inserted;
    });
  }

  async #copyAll(own: ClientConnection, rows: CopyRows, feed: CopyFeed): Promise<Inserted> {
    let stored: number;
    try {
      stored = await own.copy(this.#statements.copy, rows);
    } catch (error) {
      throw asUniqueConflict(error) ?? error;
    }
    if (stored < feed.jobs) throw new JobDroppedError({ isOfMany: feed.jobs > 1 });
    return { inserted: feed.jobs, skipped: 0, queues: [...feed.queues] };
  }

  async #copyStaged(own: ClientConnection, jobs: CopyRows, feed: CopyFeed): Promise<Inserted> {
    await own.run(this.#statements.stage, []);
    await own.copy(this.#statements.copyStaged, jobs);
    const rows = await own.run(this.#statements.insertStaged, []);
    const inserted = rows.reduce((sum, row) => sum + Number(row['jobs']), 0);
    if (inserted < feed.jobs) await this.#checkSkipped(own, feed);
    await own.run(this.#statements.unstage, []);
    const workable = rows.filter((row) => row['workable'] === 'true');
    const queues = workable.map((row) => row['queue'] ?? '');
    return { inserted, skipped: feed.jobs - inserted, queues };
  }

  /** What was not stored must be a duplicate. */
  async #checkSkipped(own: ClientConnection, feed: CopyFeed): Promise<void> {
    const [dropped] = await own.run(this.#statements.dropped, []);
    if (dropped === undefined) return;
    const error = dropped['has_key'] === 't' && (await hiddenOrDropped(own, this.#schema));
    if (error) throw error;
    throw new JobDroppedError({ index: Number(dropped['place']), isOfMany: feed.jobs > 1 });
  }

  /** The same without COPY. */
  async #insertBatches(own: ClientConnection, load: Load, last: () => void): Promise<Inserted> {
    const { feed, interrupt } = load;
    const next = (): Promise<InsertParams[]> =>
      withDeadline(feed.batch(BATCH_SIZE), { signals: [interrupt.signal] });
    const queues = new Set<string>();
    let jobs = await next();
    if (jobs.length === 0) return NOTHING;
    return await this.#atomically(own, load, async () => {
      let inserted = 0;
      while (jobs.length > 0) {
        const before = feed.jobs - jobs.length;
        const results = await this.#inserter.insert(own, jobs, noteIn(queues));
        const skipped = results.map((result) => result.uniqueSkippedAsDuplicated);
        inserted += skipped.filter((isSkipped) => !isSkipped).length;
        if (load.onConflict === 'fail' && skipped.includes(true))
          throw new UniqueConflictError({ index: before + skipped.indexOf(true) });
        jobs = await next();
      }
      last();
      return { inserted, skipped: feed.jobs - inserted, queues: [...queues] };
    });
  }

  /**
   * In a transaction for the purpose, or in the one that the connection is in, which a failure then
   * aborts: a part of the jobs must not be committed with it.
   */
  async #atomically<T>(
    own: ClientConnection,
    { isJoined, interrupt }: Load,
    work: (ask: AskTime) => Promise<T>,
  ): Promise<T> {
    const whole = async (ask: AskTime): Promise<T> => {
      try {
        return await work(ask);
      } catch (error) {
        // What is still to be sent, such as ROLLBACK, is not waited for without end either.
        interrupt.abort(error);
        throw error;
      }
    };
    const ask: AskTime = () => databaseTime(own);
    if (!isJoined) {
      return own.canCopy
        ? await inTimedTransaction(own, (now) => whole(async () => now))
        : await inTransaction(own, () => whole(ask));
    }
    try {
      return await whole(ask);
    } catch (error) {
      const isUsable = own.client.getTransactionStatus() === 'T';
      if (isUsable) await own.run(this.#statements.abort, []).catch(() => undefined);
      throw error;
    }
  }
}

function noteIn(queues: Set<string>): Wake {
  return {
    admit: () => [],
    stored: (stored) => stored.forEach((queue) => queues.add(queue)),
  };
}

const ABORTED = 'before its end, so nothing is stored';

/** River's own unique index says no; of others, that an application may have made, nothing is known. */
function asUniqueConflict(error: unknown): UniqueConflictError | undefined {
  if (!(error instanceof DatabaseError) || error.sqlState !== '23505') return undefined;
  const { constraint, where } = error.cause as { constraint?: string; where?: string };
  if (constraint !== 'river_job_unique_idx') return undefined;
  // `COPY river_job, line 3`, in the language of the server.
  const [line] = /\d+/.exec(where ?? '') ?? [];
  return new UniqueConflictError({
    index: line === undefined ? undefined : Number(line) - 1,
    cause: error,
  });
}
