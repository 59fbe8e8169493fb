import type { CheckedJobFilters } from '../../admin/job-filters.js';
import type { CheckedJobMany, ManyAction } from '../../admin/job-many-params.js';
import {
  CANCEL_MARK,
  cancelled,
  hasObject,
  isFinal,
  isIn,
  notifyOfCancel,
  retried,
} from './job-change-statements.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import { idOrder, jobConditions, Parameters } from './job-filter-sql.js';
import type { BoundStatement } from './job-list-statement.js';
import type { SchemaName } from '../connection/schema-name.js';
import { unpreparedStatement } from '../connection/statement.js';

/** What one action does to the row `job`, whose id is among those of `found`. */
interface ManyChange {
  readonly operation: string;
  /** Which jobs can be changed at all, in SQL. */
  readonly conditions: readonly string[];
  /** Leaves out some of those that were picked. */
  readonly among?: string;
  /** From its verb on, up to the condition on its id. */
  readonly change: string;
  /** What is selected of each changed row beside its columns. */
  readonly notify?: string;
}

/** Changes or deletes jobs by filters. Those that another transaction holds locked are passed over. */
export function jobManyStatement(
  schema: SchemaName,
  action: ManyAction,
  { filters, first }: CheckedJobMany,
): BoundStatement {
  const table = `${schema.prefix}river_job`;
  const { operation, conditions, among, change, notify } = CHANGES[action](schema, filters);
  const parameters = new Parameters();
  const all = [...jobConditions(schema, filters, parameters), ...conditions];
  const text = `WITH picked AS MATERIALIZED (
  SELECT job.id, job.unique_key, job.unique_states FROM ${table} AS job
  WHERE ${all.join('\n    AND ')}
  ORDER BY ${idOrder(filters)} LIMIT ${parameters.add(first, 'int')}
  FOR UPDATE SKIP LOCKED
), found AS MATERIALIZED (
  ${among ?? 'SELECT id FROM picked'}
), changed AS (
  ${change} WHERE job.id OPERATOR(pg_catalog.=) found.id
  RETURNING job.*
)
SELECT ${JOB_COLUMNS}${notify === undefined ? '' : `, ${notify} AS notified`}
FROM changed AS job ORDER BY job.id`;
  return { statement: unpreparedStatement(operation, text), values: parameters.values };
}

const CHANGES: Readonly<
  Record<ManyAction, (schema: SchemaName, filters: CheckedJobFilters) => ManyChange>
> = {
  cancel: (schema) => ({
    operation: 'jobCancelMany',
    conditions: [
      `NOT ${isFinal('job')}`,
      // A running one that cannot be marked would be returned to a caller who repeats the call forever.
      `(NOT ${isIn('job', 'running')} OR
      ${hasObject('job')} AND job.metadata OPERATOR(pg_catalog.->>) '${CANCEL_MARK}' IS NULL)`,
    ],
    change: `UPDATE ${schema.prefix}river_job AS job SET ${cancelled('job')} FROM found`,
    notify: `CASE WHEN ${isIn('job', 'running')} THEN ${notifyOfCancel(schema)} END`,
  }),
  retry: (schema, filters) => ({
    operation: 'jobRetryMany',
    conditions: [
      `NOT ${isIn('job', 'running')}`,
      // Not those that the same transaction has retried before, either.
      `NOT (${isIn('job', 'available')} AND job.scheduled_at OPERATOR(pg_catalog.<=) pg_catalog.now())`,
      ...(filters.states === undefined && filters.ids === undefined
        ? [`NOT ${isIn('job', 'completed')}`]
        : []),
      placeIsFree(schema),
    ],
    // Of several that had the same place one after the other, the first takes it.
    among: `SELECT id FROM (
    SELECT id, unique_key, unique_states,
      pg_catalog.row_number() OVER (PARTITION BY unique_key ORDER BY id) AS place
    FROM picked
  ) AS ranked WHERE unique_key IS NULL OR unique_states IS NULL OR place OPERATOR(pg_catalog.=) 1`,
    change: `UPDATE ${schema.prefix}river_job AS job SET ${retried('job')} FROM found`,
  }),
  delete: (schema) => ({
    operation: 'jobDeleteMany',
    conditions: [`NOT ${isIn('job', 'running')}`],
    change: `DELETE FROM ${schema.prefix}river_job AS job USING found`,
  }),
};

/**
 * Whether no other job has the unique key of `job`. A scalar subquery, which the planner runs for each
 * job by the unique index; `NOT EXISTS` it may turn into a scan of that index.
 */
function placeIsFree({ prefix }: SchemaName): string {
  return `(
      SELECT other.id FROM ${prefix}river_job AS other
      WHERE other.unique_key OPERATOR(pg_catalog.=) job.unique_key AND other.id OPERATOR(pg_catalog.<>) job.id
        AND other.unique_key IS NOT NULL AND other.unique_states IS NOT NULL
        AND ${prefix}river_job_state_in_bitmask(other.unique_states, other.state)
        AND job.unique_states IS NOT NULL
      LIMIT 1
    ) IS NULL`;
}
