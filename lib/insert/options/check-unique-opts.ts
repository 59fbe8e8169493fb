import {
  boolean,
  checkOptions,
  got,
  listOf,
  number,
  oneOf,
  or,
  refusal,
  type Checks,
} from '../../errors/checks.js';
import { InvalidJobError } from '../../errors/invalid-errors.js';
import { JOB_STATES, type JobState } from '../../job/row/job-state.js';
import type { CheckedUniqueOpts } from './checked-insert-opts.js';

const refuse = refusal(InvalidJobError, 'RIVER_INVALID_UNIQUE_OPTS');

// River counts a period in nanoseconds of 64 bits: 292 years at most.
const seconds = number(1, 9_223_372_036, 'seconds, fractions allowed,');

const CHECKS: Checks<{ [Name in keyof CheckedUniqueOpts]: CheckedUniqueOpts[Name] | null }> = {
  byArgs: or(null, checkByArgs),
  byPeriod: or(null, seconds),
  byQueue: or(null, boolean),
  byState: or(null, checkByState),
  excludeKind: or(null, boolean),
};

/**
 * Checks unique options by River's rules.
 *
 * @returns null when no option is on: the job is not unique
 * @throws InvalidJobError with code RIVER_INVALID_UNIQUE_OPTS
 */
export function checkUniqueOpts(value: unknown, field: string): CheckedUniqueOpts | null {
  const given = checkOptions(value, CHECKS, { field, prefix: `${field}.`, refuse });
  const checked: CheckedUniqueOpts = Object.freeze({
    byArgs: given.byArgs ?? undefined,
    byPeriod: given.byPeriod ?? undefined,
    byQueue: given.byQueue ?? false,
    // An empty list means River's default.
    byState: given.byState?.length ? given.byState : undefined,
    excludeKind: given.excludeKind ?? false,
  });
  const hasDimension =
    checked.byArgs !== undefined || checked.byPeriod !== undefined || checked.byQueue;
  if (checked.excludeKind && !hasDimension) {
    throw refuse(`${field}.excludeKind`, 'needs byArgs, byPeriod or byQueue beside it');
  }
  return hasDimension || given.byState != null ? checked : null;
}

function checkByArgs(value: unknown, field: string): CheckedUniqueOpts['byArgs'] {
  if (value === false) return undefined;
  if (value === true) return true;
  if (!Array.isArray(value)) throw refuse(field, got('must be true or a list of paths', value));
  if (value.length === 0) {
    throw refuse(field, 'must name at least one path, or be true for all args');
  }
  return Object.freeze(listOf(checkPath)(value, field, refuse));
}

function checkPath(path: unknown, field: string): readonly string[] {
  const keys: unknown = typeof path === 'string' ? path.split('.') : path;
  const isPath =
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.every((key) => typeof key === 'string' && key !== '');
  if (isPath) return Object.freeze([...(keys as string[])]);
  throw refuse(field, got("must be a dotted path ('customer.id') or an array of keys", path));
}

function checkByState(value: unknown, field: string): readonly JobState[] {
  return Object.freeze([...new Set(listOf(oneOf(...JOB_STATES))(value, field, refuse))]);
}
