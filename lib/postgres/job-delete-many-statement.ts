import type { CheckedJobDeletion } from '../admin/job-delete-many-params.js';
import { JOB_COLUMNS } from './job-columns.js';
import { idOrder, jobConditions, Parameters } from './job-filter-sql.js';
import type { BoundStatement } from './job-list-statement.js';
import type { SchemaName } from './schema-name.js';
import { unpreparedStatement } from './statement.js';

/** Deletes jobs by filters, passing over those that somebody else holds locked, and answers them. */
export function jobDeleteManyStatement(
  schema: SchemaName,
  { filters, first }: CheckedJobDeletion,
): BoundStatement {
  const parameters = new Parameters();
  const conditions = [`job.state <> 'running'`, ...jobConditions(schema, filters, parameters)];
  const text = `WITH doomed AS MATERIALIZED (
  SELECT job.id FROM ${schema.prefix}river_job AS job
  WHERE ${conditions.join(' AND ')}
  ORDER BY ${idOrder(filters)} LIMIT ${parameters.add(first, 'int')}
  FOR UPDATE SKIP LOCKED
), deleted AS (
  DELETE FROM ${schema.prefix}river_job AS job USING doomed WHERE job.id = doomed.id
  RETURNING job.*
)
SELECT ${JOB_COLUMNS} FROM deleted AS job ORDER BY job.id`;
  return { statement: unpreparedStatement('jobDeleteMany', text), values: parameters.values };
}
