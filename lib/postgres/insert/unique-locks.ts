import { RiverTransactionError } from '../../errors/transaction-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import { lockText, type UniqueLock } from '../../insert/unique/unique-lock.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { Connection } from '../connection/connection.js';
import { DATABASE_TIME_COLUMNS, readDatabaseTime } from '../connection/database-time.js';
import { statement } from '../connection/statement.js';
import type { LockedJob, UniqueLookUp } from './unique-look-up.js';

/** What stands before a job: a row that is stored, or an earlier job of the same call. */
export type Blocker = { readonly row: JobRow } | { readonly given: InsertParams };

const ISOLATION = `pg_catalog.current_setting('transaction_isolation')`;

/**
 * The lock is a statement of its own, sent before the look-up: within one statement the snapshot is
 * older than the lock, and duplicates slip in. Locks are taken in one sorted order, so that two
 * batches cannot wait for each other in a circle.
 */
const LOCK = statement(
  'unique lock',
  `SELECT ${ISOLATION} AS isolation, pg_catalog.count(pg_catalog.pg_advisory_xact_lock(key)),
  ${DATABASE_TIME_COLUMNS}
FROM (SELECT key FROM pg_catalog.unnest($1::bigint[]) AS key ORDER BY key) AS locks
WHERE pg_catalog.starts_with(${ISOLATION}, 'read ')`,
);

/** The lock path: unique jobs for states that River's index cannot express. */
export class UniqueLocks {
  readonly #prefix: number | undefined;
  readonly #lookUp: UniqueLookUp;

  constructor(lookUp: UniqueLookUp, advisoryLockPrefix: number | undefined) {
    this.#prefix = advisoryLockPrefix;
    this.#lookUp = lookUp;
  }

  /**
   * Takes the locks of the jobs of the lock path, until the transaction ends, and looks for what
   * stands before each.
   *
   * @returns a place for each of all jobs; undefined where nothing stands before it
   * @throws RiverTransactionError in REPEATABLE READ and SERIALIZABLE: postgres' check of serializable
   *   transactions sees only those that are serializable themselves
   */
  async acquire(
    connection: Connection,
    jobs: readonly InsertParams[],
  ): Promise<(Blocker | undefined)[]> {
    const locked = jobs.filter(isLocked);
    const keys = new Set(locked.map(({ unique }) => this.#lockKey(unique)));
    const [row] = await connection.run(LOCK, [[...keys]]);
    if (row?.['isolation']?.startsWith('read ') !== true) throw notWithOneSnapshot();
    const { transaction } = readDatabaseTime(row);
    const rows = await this.#lookUp.findAll(connection, locked, transaction);
    const rowOf = new Map<InsertParams, JobRow | undefined>(
      locked.map((job, place) => [job, rows[place]]),
    );
    const waiting: InsertParams[] = [];
    return jobs.map((job) => {
      const blocker = isLocked(job) ? blockerOf(job, rowOf.get(job), waiting) : undefined;
      if (blocker === undefined && job.unique?.path !== 'index') waiting.push(job);
      return blocker;
    });
  }

  /**
   * The number of the advisory lock: 64 bits of the text's SHA-256, or, under a prefix, the prefix
   * and 32 bits. As text, since it may be beyond 2^53.
   */
  #lockKey({ hash }: UniqueLock): string {
    if (this.#prefix === undefined) return hash.readBigInt64BE().toString();
    return BigInt.asIntN(
      64,
      (BigInt(this.#prefix) << 32n) | BigInt(hash.readUInt32BE()),
    ).toString();
  }
}

function isLocked(job: InsertParams): job is LockedJob {
  return job.unique?.path === 'lock';
}

function blockerOf(
  job: LockedJob,
  row: JobRow | undefined,
  earlier: readonly InsertParams[],
): Blocker | undefined {
  if (row !== undefined) return { row };
  const { opts, states, text } = job.unique;
  const given = earlier.find(
    (other) => states.includes(other.state) && lockText(other, opts) === text,
  );
  return given && { given };
}

function notWithOneSnapshot(): RiverTransactionError {
  return new RiverTransactionError(
    'uniqueOpts.byState: this list of states needs a lock and a look-up, and in a REPEATABLE READ or ' +
      'SERIALIZABLE transaction the look-up cannot see what others stored before we had the lock: ' +
      'duplicates would slip in. Use READ COMMITTED, or a list with available, pending, running and ' +
      'scheduled in it.',
    { code: 'RIVER_ISOLATION_LEVEL', field: 'uniqueOpts.byState' },
  );
}
