import type { InsertParams } from '../../insert/insert-params.js';
import type { Unique } from '../../insert/unique/unique.js';
import type { UniqueKey } from '../../insert/unique/unique-key.js';
import type { UniqueLock } from '../../insert/unique/unique-lock.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { Connection } from '../connection/connection.js';
import { databaseTime } from '../connection/database-time.js';
import { decodeJob, JOB_COLUMNS } from '../rows/job-columns.js';
import { lookUpStatement, lookUpValues } from './look-up-statement.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** A job of the lock path. */
export type LockedJob = InsertParams & { readonly unique: UniqueLock };

/** Finds the stored jobs that stand before unique ones, without locking anything. */
export class UniqueLookUp {
  readonly #byLock: Statement;
  readonly #byKey: Statement;
  readonly #otherKeys: Statement;

  constructor(schema: SchemaName) {
    this.#byLock = lookUpStatement(schema);
    this.#byKey = statement(
      'unique look-up',
      `SELECT ${JOB_COLUMNS} FROM ${schema.prefix}river_job AS job
WHERE job.unique_key OPERATOR(pg_catalog.=) pg_catalog.decode($1, 'hex')
  AND job.unique_key IS NOT NULL AND job.unique_states IS NOT NULL
  AND ${schema.prefix}river_job_state_in_bitmask(job.unique_states, job.state)`,
    );
    this.#otherKeys = statement(
      'unique look-up',
      `SELECT ${JOB_COLUMNS} FROM ${schema.prefix}river_job AS job
WHERE ($1::pg_catalog.text IS NULL OR job.kind OPERATOR(pg_catalog.=) $1)
  AND ($2::pg_catalog.text IS NULL OR job.queue OPERATOR(pg_catalog.=) $2)
  AND job.unique_key OPERATOR(pg_catalog.<>) pg_catalog.decode($3, 'hex') AND job.unique_states IS NOT NULL
  AND ${schema.prefix}river_job_state_in_bitmask(job.unique_states, job.state)
ORDER BY (job.args OPERATOR(pg_catalog.=) $4::pg_catalog.jsonb) DESC, job.id DESC LIMIT 100`,
    );
  }

  /**
   * Jobs of another key that precede equal ones of theirs, at most 100: those of equal args
   * first, then the newest.
   */
  async findOtherKeys(
    connection: Connection,
    { opts, hash }: UniqueKey,
    { kind, queue, encodedArgs }: InsertParams,
  ): Promise<JobRow[]> {
    const rows = await connection.run(this.#otherKeys, [
      opts.excludeKind ? null : kind,
      opts.byQueue ? queue : null,
      hash.toString('hex'),
      encodedArgs,
    ]);
    return rows.map((row) => decodeJob(row));
  }

  /**
   * @param now the time of the transaction that would insert the jobs
   * @returns a place for each job given; undefined where no job precedes it
   */
  async findAll(
    connection: Connection,
    jobs: readonly LockedJob[],
    now: bigint,
  ): Promise<(JobRow | undefined)[]> {
    const rows = await connection.run(this.#byLock, lookUpValues(jobs, now));
    return rows.map((row) => (row['id'] == null ? undefined : decodeJob(row)));
  }

  async find(
    connection: Connection,
    unique: Unique,
    job: InsertParams,
  ): Promise<JobRow | undefined> {
    if (unique.path === 'lock') {
      const { transaction } = await databaseTime(connection);
      const [row] = await this.findAll(connection, [{ ...job, unique }], transaction);
      return row;
    }
    const [row] = await connection.run(this.#byKey, [unique.hash.toString('hex')]);
    return row && decodeJob(row);
  }
}
