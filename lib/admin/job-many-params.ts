import { boolean } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import type { JobRow } from '../job/row/job-row.js';
import { checkParams, DEFAULT_FIRST, first } from './check-params.js';
import { JOB_FILTER_CHECKS, type CheckedJobFilters, type JobFilters } from './job-filters.js';

/** Which jobs `jobCancelMany`, `jobRetryMany` and `jobDeleteMany` change or delete. */
export interface JobManyParams extends JobFilters {
  /** How many jobs at most, 1 to 10000, the oldest ids first. Default 100. */
  readonly first?: number | undefined;
  /** Selects all jobs; without it, a call without a filter is rejected. Not with filters. */
  readonly unsafeAll?: boolean | undefined;
}

/** The jobs that a call has changed or deleted. */
export interface JobManyResult {
  /** By their ids. */
  readonly jobs: readonly JobRow[];
}

/** Which jobs `jobDeleteMany` deletes. Running ones are never among them. */
export type JobDeleteManyParams = JobManyParams;

/** The jobs that `jobDeleteMany` has deleted. */
export type JobDeleteManyResult = JobManyResult;

/** What is done to jobs that filters pick. */
export type ManyAction = 'cancel' | 'retry' | 'delete';

export interface CheckedJobMany {
  readonly filters: CheckedJobFilters;
  readonly first: number;
}

const CHECKS = { ...JOB_FILTER_CHECKS, first, unsafeAll: boolean };

const DONE: Readonly<Record<ManyAction, string>> = {
  cancel: 'cancelled',
  retry: 'retried',
  delete: 'deleted',
};

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobManyParams(action: ManyAction, params: unknown): CheckedJobMany {
  const given = checkParams(params, CHECKS);
  const { first: limit = DEFAULT_FIRST, unsafeAll = false, ...filters } = given;
  const hasFilters = Object.keys(filters).length > 0;
  if (hasFilters && unsafeAll) {
    throw invalidParams('unsafeAll', 'means no filter, so it cannot stand beside one');
  }
  if (!hasFilters && !unsafeAll) {
    throw invalidParams(
      'params',
      `without a filter, jobs of every kind would be ${DONE[action]}. Give ids, kinds, states or another ` +
        'filter (an empty args, metadata, tagsAll or time range is none); or unsafeAll: true, if all are meant',
    );
  }
  return { filters, first: limit };
}
