import { invalidParams } from '../errors/invalid-params-error.js';
import type { JobRow } from '../job/job-row.js';
import { checkFirst, givenParams } from './check-params.js';
import {
  checkJobFilters,
  JOB_FILTER_NAMES,
  type CheckedJobFilters,
  type JobFilters,
} from './job-filters.js';

/** Which jobs `jobDeleteMany` deletes. Running ones are never among them. */
export interface JobDeleteManyParams extends JobFilters {
  /** How many jobs at most, 1 to 10000, the oldest ids first. Default 100. */
  readonly first?: number | undefined;
  /** Deletes without a filter, which is refused otherwise. Not beside filters. */
  readonly unsafeAll?: boolean | undefined;
}

/** The jobs that `jobDeleteMany` has deleted. */
export interface JobDeleteManyResult {
  /** By their ids. */
  readonly jobs: readonly JobRow[];
}

export interface CheckedJobDeletion {
  readonly filters: CheckedJobFilters;
  readonly first: number;
}

const NAMES = [...JOB_FILTER_NAMES, 'first', 'unsafeAll'];

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobDeleteManyParams(params: unknown): CheckedJobDeletion {
  const given = givenParams(params, NAMES);
  const { unsafeAll = false } = given;
  if (typeof unsafeAll !== 'boolean') {
    throw invalidParams('unsafeAll', 'must be true or false', unsafeAll);
  }
  const filters = checkJobFilters(given);
  const hasFilters = Object.keys(filters).length > 0;
  if (hasFilters && unsafeAll) {
    throw invalidParams('unsafeAll', 'means no filter, so it cannot stand beside one');
  }
  if (!hasFilters && !unsafeAll) {
    throw invalidParams(
      'params',
      'without a filter, jobs of every kind would be deleted. Give ids, kinds, states or another filter ' +
        '(an empty args, metadata, tagsAll or time range is none); or unsafeAll: true, if all are meant',
    );
  }
  return { filters, first: checkFirst(given['first']) };
}
