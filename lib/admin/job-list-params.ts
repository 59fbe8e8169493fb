import { listOf, oneOf } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import type { JobRow } from '../job/row/job-row.js';
import { FINAL_STATES, JOB_STATES, type JobState } from '../job/row/job-state.js';
import { checkParams, DEFAULT_FIRST, first } from './check-params.js';
import {
  JOB_FILTER_CHECKS,
  sortedSet,
  type CheckedJobFilters,
  type JobFilters,
} from './job-filters.js';
import { cursorQuery, decodeCursor, type JobPosition } from './job-list-cursor.js';

/**
 * What jobs are ordered by; equal ones by their ids.
 *
 * - `id`: the order in which they were inserted.
 * - `scheduledAt`: when they may be worked.
 * - `finalizedAt`: when they were completed, cancelled or discarded. Only jobs in these states are
 *   listed then, and other states are refused.
 * - `time`: the time that fits the first state of `states`: `attemptedAt` for `running`, `finalizedAt`
 *   for the three final ones, else (also without `states`) `scheduledAt`. Jobs without that time are
 *   the last in ascending order.
 */
export type JobListOrderBy = 'id' | 'scheduledAt' | 'finalizedAt' | 'time';

/** Which jobs `jobList` answers, and in which order. Without any: the first hundred by their ids. */
export interface JobListParams extends JobFilters {
  /** Default `id`. */
  readonly orderBy?: JobListOrderBy | undefined;
  /** Default `asc`. */
  readonly sortOrder?: 'asc' | 'desc' | undefined;
  /** How many jobs at most, 1 to 10000. Default 100. */
  readonly first?: number | undefined;
  /** The `lastCursor` of the page before, of the same filters and the same order. */
  readonly after?: string | undefined;
}

/** A page of jobs. */
export interface JobListResult {
  readonly jobs: readonly JobRow[];
  /** For `after`, to get the page behind this one; undefined when this one is empty. */
  readonly lastCursor: string | undefined;
}

/** The column of a time by which jobs can be ordered. */
export type TimeColumn = 'attempted_at' | 'finalized_at' | 'scheduled_at';

/** A list as it is to be queried. */
export interface CheckedJobList {
  readonly filters: CheckedJobFilters;
  /** undefined: by id alone. */
  readonly timeColumn: TimeColumn | undefined;
  /** Whether jobs that are listed may be without that time. */
  readonly isNullable: boolean;
  readonly isDescending: boolean;
  readonly first: number;
  readonly after: JobPosition | undefined;
  /** What makes the query of a cursor. */
  readonly query: string;
}

const CHECKS = {
  ...JOB_FILTER_CHECKS,
  // In their order: the first counts.
  states: listOf(oneOf(...JOB_STATES)),
  orderBy: oneOf('id', 'scheduledAt', 'finalizedAt', 'time'),
  sortOrder: oneOf('asc', 'desc'),
  first,
  after: (value: unknown) => value,
};

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobListParams(params: unknown): CheckedJobList {
  const given = checkParams(params, CHECKS);
  const {
    orderBy = 'id',
    sortOrder = 'asc',
    first: limit = DEFAULT_FIRST,
    after,
    ...others
  } = given;
  const filters: CheckedJobFilters =
    others.states === undefined ? others : { ...others, states: sortedSet(others.states) };
  if (orderBy === 'finalizedAt') requireFinal(filters.states);
  const states = orderBy === 'finalizedAt' ? (filters.states ?? FINAL_STATES) : filters.states;
  const timeColumn = timeColumnOf(orderBy, given.states?.[0]);
  const list = { filters: states ? { ...filters, states } : filters, timeColumn, sortOrder };
  const query = cursorQuery(list);
  const isNullable = canBeNull(timeColumn, states);
  const cursorOf = { query, hasTime: timeColumn !== undefined && !isNullable };
  return {
    ...list,
    isNullable,
    isDescending: sortOrder === 'desc',
    first: limit,
    after: after === undefined ? undefined : decodeCursor(after, cursorOf),
    query,
  };
}

function timeColumnOf(
  orderBy: JobListOrderBy,
  firstState: JobState | undefined,
): TimeColumn | undefined {
  if (orderBy === 'id') return undefined;
  if (orderBy === 'finalizedAt') return 'finalized_at';
  if (orderBy === 'scheduledAt' || firstState === undefined) return 'scheduled_at';
  if (firstState === 'running') return 'attempted_at';
  return FINAL_STATES.includes(firstState) ? 'finalized_at' : 'scheduled_at';
}

/** A job has a final time exactly when its state is final; that is a constraint of the table. */
function canBeNull(
  column: TimeColumn | undefined,
  states: readonly JobState[] | undefined,
): boolean {
  if (column === 'finalized_at') return !states?.every((state) => FINAL_STATES.includes(state));
  return column === 'attempted_at';
}

function requireFinal(states: readonly JobState[] | undefined): void {
  const other = states?.find((state) => !FINAL_STATES.includes(state));
  if (other === undefined) return;
  const rule = `a job that is ${other} has no finalizedAt to be ordered by; leave it out, or order by 'time'`;
  throw invalidParams('states', rule);
}
