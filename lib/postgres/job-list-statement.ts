import type { JobPosition } from '../admin/job-list-cursor.js';
import type { CheckedJobList } from '../admin/job-list-params.js';
import { JOB_COLUMNS } from './job-columns.js';
import { jobConditions, Parameters } from './job-filter-sql.js';
import type { SchemaName } from './schema-name.js';
import { unpreparedStatement, type Statement } from './statement.js';

/** A statement, and the values of this call. */
export interface BoundStatement {
  readonly statement: Statement;
  readonly values: unknown[];
}

/**
 * Lists jobs from a position on. Answers `position`, the time that the list is ordered by, beside the
 * columns of the job.
 *
 * By time, each state is listed by itself and then merged: River's index holds the final times in
 * order only within a state, so that a page of a big table reads no more than it shows.
 */
export function jobListStatement(schema: SchemaName, list: CheckedJobList): BoundStatement {
  const { filters, timeColumn, isDescending, first, after } = list;
  const parameters = new Parameters();
  const table = `${schema.prefix}river_job AS job`;
  const direction = isDescending ? 'DESC' : 'ASC';
  const order = [...(timeColumn ? [timeColumn] : []), 'id'].map(
    (column) => `job.${column} ${direction}`,
  );
  const page = `ORDER BY ${order.join(', ')} LIMIT ${parameters.add(first, 'int')}`;
  const { states, ...others } = filters;
  const byState = timeColumn !== undefined && states !== undefined;
  const conditions = jobConditions(schema, byState ? others : filters, parameters);
  if (after !== undefined) conditions.push(behind(list, after, parameters));
  let source = table;
  if (byState) {
    conditions.push('job.state = listed.state');
    // Says what the constraint of the table says, for the sake of the partial index.
    if (!list.isNullable && timeColumn === 'finalized_at') {
      conditions.push('job.finalized_at IS NOT NULL');
    }
    const all = parameters.add(states, `${schema.prefix}river_job_state[]`);
    source = `unnest(${all}) AS listed(state)
CROSS JOIN LATERAL (SELECT * FROM ${table} ${where(conditions)} ${page}) AS job`;
  }
  const time = timeColumn === undefined ? 'NULL' : `to_jsonb(job.${timeColumn}) #>> '{}'`;
  const text = `SELECT ${JOB_COLUMNS}, ${time} AS position
FROM ${source}
${byState ? '' : where(conditions)}
${page}`;
  return { statement: unpreparedStatement('jobList', text), values: parameters.values };
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** What comes behind a position. Postgres orders NULL behind every time, descending before. */
function behind(list: CheckedJobList, { time, id }: JobPosition, parameters: Parameters): string {
  const { timeColumn, isDescending, isNullable } = list;
  const comes = isDescending ? '<' : '>';
  const itsId = parameters.add(id, 'bigint');
  if (timeColumn === undefined) return `job.id ${comes} ${itsId}`;
  const column = `job.${timeColumn}`;
  if (time === null) {
    return isDescending
      ? `(${column} IS NOT NULL OR job.id < ${itsId})`
      : `${column} IS NULL AND job.id > ${itsId}`;
  }
  const row = `(${column}, job.id) ${comes} (${parameters.add(time, 'timestamptz')}, ${itsId})`;
  return isNullable && !isDescending ? `(${row} OR ${column} IS NULL)` : row;
}
