import type { JobRow } from '../../job/row/job-row.js';
import type { Connection } from '../connection/connection.js';
import { decodeJob, JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** What a look tells of a job: its row, or null if there is none. */
export type FoundJobs = ReadonlyMap<string, JobRow | null>;

/** Looks for jobs that have ended, many at once, and few rows come back. */
export class FinishedJobs {
  readonly #statement: Statement;

  constructor({ prefix }: SchemaName) {
    this.#statement = statement(
      'wait',
      `SELECT given.id::pg_catalog.text AS given, ${JOB_COLUMNS}
FROM unnest($1::bigint[], $2::boolean[]) AS given(id, in_any_state)
LEFT JOIN ${prefix}river_job AS job ON job.id OPERATOR(pg_catalog.=) given.id
WHERE given.in_any_state OR job.id IS NULL
  OR job.state OPERATOR(pg_catalog.=) ANY ('{cancelled,completed,discarded}')`,
    );
  }

  /**
   * @param ids each with whether its row is wanted although the job has not ended
   * @returns the jobs that have ended, those wanted in any state, and null for those that are not
   *   there; jobs that are still going on are left out
   */
  async look(connection: Connection, ids: ReadonlyMap<string, boolean>): Promise<FoundJobs> {
    const rows = await connection.run(this.#statement, [[...ids.keys()], [...ids.values()]]);
    return new Map(
      rows.map((row) => [row['given'] ?? '0', row['id'] === null ? null : decodeJob(row)]),
    );
  }
}
