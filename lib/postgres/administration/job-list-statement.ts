import type { JobPosition } from '../../admin/job-list-cursor.js';
import type { CheckedJobList } from '../../admin/job-list-params.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import { idOrder, jobConditions, Parameters } from './job-filter-sql.js';
import type { SchemaName } from '../connection/schema-name.js';
import { unpreparedStatement, type Statement } from '../connection/statement.js';

/** A statement, and the values of this call. */
export interface BoundStatement {
  readonly statement: Statement;
  readonly values: unknown[];
}

/**
 * Lists jobs from a position on. Answers `position`, the time that the list is ordered by, beside the
 * columns of the job.
 *
 * Picks the page first and fetches its rows afterwards, so that where the table's indexes hold all
 * that the order and the filters ask for, no other row is read. By time, each state is picked by
 * itself: an index holds the final times in order only within a state.
 */
export function jobListStatement(schema: SchemaName, list: CheckedJobList): BoundStatement {
  const { filters, timeColumn, first, after } = list;
  const { states = [], ...others } = filters;
  const byState = timeColumn !== undefined && states.length > 0;
  const parameters = new Parameters();
  const conditions = jobConditions(schema, byState ? others : filters, parameters);
  if (after !== undefined) conditions.push(behind(list, after, parameters));
  // Says what the constraint of the table says, for the sake of the partial index.
  if (timeColumn === 'finalized_at' && !list.isNullable) {
    conditions.push('job.finalized_at IS NOT NULL');
  }
  const direction = list.isDescending ? 'DESC' : 'ASC';
  const limit = `LIMIT ${parameters.add(first, 'int')}`;
  const order =
    timeColumn === undefined
      ? `${idOrder(filters)} ${direction}`
      : `job.${timeColumn} ${direction}, job.id ${direction}`;
  const pick = (...more: string[]): string => {
    const all = [...more, ...conditions].join(' AND ');
    return `(SELECT job.id, ${timeColumn ? `job.${timeColumn}` : 'NULL::pg_catalog.timestamptz'} AS position
   FROM ${schema.prefix}river_job AS job WHERE ${all || 'true'} ORDER BY ${order} ${limit})`;
  };
  const state = (value: string): string =>
    `job.state OPERATOR(pg_catalog.=) ${parameters.add(value, `${schema.prefix}river_job_state`)}`;
  const picks = byState ? states.map((value) => pick(state(value))) : [pick()];
  const text = `WITH listed AS (
  SELECT * FROM (${picks.join('\n  UNION ALL\n  ')}) AS picks
  ORDER BY position ${direction}, id ${direction} ${limit}
)
SELECT ${JOB_COLUMNS}, pg_catalog.to_jsonb(listed.position) OPERATOR(pg_catalog.#>>) '{}' AS position
FROM listed JOIN ${schema.prefix}river_job AS job
  ON job.id OPERATOR(pg_catalog.=) listed.id
ORDER BY listed.position ${direction}, job.id ${direction}`;
  return { statement: unpreparedStatement('jobList', text), values: parameters.values };
}

/** What comes behind a position. Postgres orders NULL behind every time, descending before. */
function behind(list: CheckedJobList, { time, id }: JobPosition, parameters: Parameters): string {
  const { timeColumn, isDescending, isNullable } = list;
  const comes = `OPERATOR(pg_catalog.${isDescending ? '<' : '>'})`;
  const itsId = parameters.add(id, 'bigint');
  if (timeColumn === undefined) return `job.id ${comes} ${itsId}`;
  const column = `job.${timeColumn}`;
  if (time === null) {
    return isDescending
      ? `(${column} IS NOT NULL OR job.id ${comes} ${itsId})`
      : `${column} IS NULL AND job.id ${comes} ${itsId}`;
  }
  const row = `(${column}, job.id) ${comes} (${parameters.add(time, 'pg_catalog.timestamptz')}, ${itsId})`;
  return isNullable && !isDescending ? `(${row} OR ${column} IS NULL)` : row;
}
