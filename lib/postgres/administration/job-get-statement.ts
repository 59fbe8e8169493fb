import { JOB_COLUMNS } from '../rows/job-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** Reads the jobs of the ids in $1, in the order of these; those that are not there are left out. */
export function jobGetStatement({ prefix }: SchemaName): Statement {
  return statement(
    'jobGet',
    `SELECT ${JOB_COLUMNS} FROM ${prefix}river_job AS job
WHERE job.id OPERATOR(pg_catalog.=) ANY ($1::bigint[])
ORDER BY job.id`,
  );
}
