import { DatabaseError } from '../errors/database-error.js';
import { InsertAbortedError } from '../errors/insert-aborted-error.js';
import { UniqueConflictError } from '../errors/unique-conflict-error.js';
import { inTransaction, type ClientConnection, type Connection } from './connection.js';
import { CopyFeed, type CopyProgress, type JobSource } from './copy-feed.js';
import { CopyInterrupt } from './copy-interrupt.js';
import { copyStatements, type CopyStatements } from './copy-statements.js';
import { whileItemsCome } from './copy-watch.js';
import type { CopyRows } from './copy-in.js';
import type { Wake } from './insert-notifier.js';
import type { JobInserter } from './job-inserter.js';
import type { SchemaName } from './schema-name.js';

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
  readonly interrupt: CopyInterrupt;
  /** Whether the connection is in somebody's transaction. */
  readonly isJoined: boolean;
}

const NOTHING: Inserted = { inserted: 0, skipped: 0, queues: [] };

/** Tells, once, that the application does not wait any longer; answers what ends that. */
type WhenGivenUp = (tell: (reason: Error) => void) => () => void;

/** Jobs of a statement where there is no COPY. */
const BATCH_SIZE = 1_000;

/** Stores jobs by COPY: as many as there are, without holding them in memory. All of them or none. */
export class CopyInserter {
  readonly #statements: CopyStatements;
  readonly #inserter: JobInserter;
  readonly #whenGivenUp: WhenGivenUp;

  constructor(schema: SchemaName, inserter: JobInserter, whenGivenUp: WhenGivenUp) {
    this.#statements = copyStatements(schema);
    this.#inserter = inserter;
    this.#whenGivenUp = whenGivenUp;
  }

  async insert(
    connection: Connection,
    { source, onProgress, signal, wake, onConflict }: CopyInsert,
  ): Promise<Omit<Inserted, 'queues'>> {
    const feed = new CopyFeed(source, onProgress);
    const interrupt = new CopyInterrupt();
    const abort = (): void => interrupt.raise(new InsertAbortedError(signal?.reason, ABORTED));
    signal?.addEventListener('abort', abort);
    const stay = this.#whenGivenUp((reason) => interrupt.raise(reason));
    try {
      if (signal?.aborted) throw new InsertAbortedError(signal.reason);
      const { queues, ...counts } = await this.#load(connection, {
        feed,
        interrupt,
        onConflict,
        isJoined: connection.inTransaction,
      });
      if (connection.inTransaction && counts.inserted > 0)
        await connection.run(this.#statements.wake, [wake.admit(queues)]);
      wake.stored(queues);
      return counts;
    } finally {
      signal?.removeEventListener('abort', abort);
      stay();
      await source.close();
    }
  }

  /** On one connection; who gives up before there is one need not wait for it. */
  async #load(connection: Connection, load: Load): Promise<Inserted> {
    const { feed, interrupt } = load;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const loaded = connection.exclusive((own, others) => {
      begin();
      return whileItemsCome({ feed, interrupt, others }, async () => {
        interrupt.throwIfRaised();
        if (own.canCopy) return await this.#copy(own, load);
        return await atomically(own, load, () => this.#insertBatches(own, load));
      });
    });
    loaded.catch(() => undefined);
    await interrupt.unlessRaised(Promise.race([begun, loaded]));
    return await loaded;
  }

  async #copy(own: ClientConnection, load: Load): Promise<Inserted> {
    const { feed, interrupt, onConflict } = load;
    const first = await interrupt.unlessRaised(feed.rows());
    if (first === undefined) return NOTHING;
    const rows: CopyRows = { first, next: () => feed.rows(), interrupt };
    if (onConflict === 'skip')
      return await atomically(own, load, () => this.#copyStaged(own, rows, feed));
    try {
      await own.copy(this.#statements.copy, rows);
    } catch (error) {
      throw asUniqueConflict(error) ?? error;
    }
    return { inserted: feed.jobs, skipped: 0, queues: [...feed.queues] };
  }

  async #copyStaged(own: ClientConnection, jobs: CopyRows, feed: CopyFeed): Promise<Inserted> {
    await own.run(this.#statements.stage, []);
    await own.copy(this.#statements.copyStaged, jobs);
    const rows = await own.run(this.#statements.insertStaged, []);
    await own.run(this.#statements.unstage, []);
    const inserted = rows.reduce((sum, row) => sum + Number(row['jobs']), 0);
    const workable = rows.filter((row) => row['workable'] === 'true');
    const queues = workable.map((row) => row['queue'] ?? '');
    return { inserted, skipped: feed.jobs - inserted, queues };
  }

  /** The same without COPY. One that fails aborts the transaction that it is in, so this does, too. */
  async #insertBatches(own: ClientConnection, load: Load): Promise<Inserted> {
    const { feed, interrupt } = load;
    const queues = new Set<string>();
    let inserted = 0;
    try {
      for (;;) {
        const before = feed.jobs;
        const jobs = await interrupt.unlessRaised(feed.batch(BATCH_SIZE));
        if (jobs.length === 0) return { inserted, skipped: before - inserted, queues: [...queues] };
        const results = await this.#inserter.insert(own, jobs, noteIn(queues));
        const skipped = results.map((result) => result.uniqueSkippedAsDuplicated);
        inserted += skipped.filter((isSkipped) => !isSkipped).length;
        if (load.onConflict === 'fail' && skipped.includes(true))
          throw new UniqueConflictError({ index: before + skipped.indexOf(true) });
      }
    } catch (error) {
      if (load.isJoined && inserted > 0)
        await own.run(this.#statements.abort, []).catch(() => undefined);
      throw error;
    }
  }
}

/** In the transaction that the connection is in, or in one for the purpose. */
async function atomically<T>(
  own: ClientConnection,
  { isJoined }: Load,
  work: () => Promise<T>,
): Promise<T> {
  return await (isJoined ? work() : inTransaction(own, work));
}

function noteIn(queues: Set<string>): Wake {
  return {
    admit: () => [],
    stored: (stored) => stored.forEach((queue) => queues.add(queue)),
  };
}

const ABORTED = 'before all of it was sent, so nothing is stored';

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
