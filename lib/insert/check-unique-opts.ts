import { describeValue } from '../errors/describe-value.js';
import { InvalidJobError } from '../errors/invalid-job-error.js';
import { nameText } from '../errors/name-text.js';
import { isJobState, JOB_STATES, type JobState } from '../job/job-state.js';
import type { CheckedUniqueOpts } from './checked-insert-opts.js';

const OPTIONS = ['byArgs', 'byPeriod', 'byQueue', 'byState', 'excludeKind'];

/**
 * Checks unique options by River's rules.
 *
 * @returns null when no option is on: the job is not unique
 * @throws InvalidJobError with code RIVER_INVALID_UNIQUE_OPTS
 */
export function checkUniqueOpts(value: unknown, field: string): CheckedUniqueOpts | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(field, 'must be an object', value);
  }
  const given = value as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!OPTIONS.includes(name)) {
      throw refused(
        `${field}.${nameText(name)}`,
        `is no option; the options are ${OPTIONS.join(', ')}`,
      );
    }
  }
  const checked: CheckedUniqueOpts = Object.freeze({
    byArgs: checkByArgs(given['byArgs'], `${field}.byArgs`),
    byPeriod: checkByPeriod(given['byPeriod'], `${field}.byPeriod`),
    byQueue: checkBoolean(given['byQueue'], `${field}.byQueue`),
    byState: checkByState(given['byState'], `${field}.byState`),
    excludeKind: checkBoolean(given['excludeKind'], `${field}.excludeKind`),
  });
  const hasDimension =
    checked.byArgs !== undefined || checked.byPeriod !== undefined || checked.byQueue;
  if (checked.excludeKind && !hasDimension) {
    throw refused(`${field}.excludeKind`, 'needs byArgs, byPeriod or byQueue beside it');
  }
  return hasDimension || given['byState'] != null ? checked : null;
}

function checkByArgs(value: unknown, field: string): CheckedUniqueOpts['byArgs'] {
  if (value == null || value === false) return undefined;
  if (value === true) return true;
  if (!Array.isArray(value)) throw refused(field, 'must be true or a list of paths', value);
  if (value.length === 0)
    throw refused(field, 'must name at least one path, or be true for all args');
  return Object.freeze(
    Array.from(value as unknown[], (path, index) => {
      const keys: unknown = typeof path === 'string' ? path.split('.') : path;
      const isPath =
        Array.isArray(keys) &&
        keys.length > 0 &&
        keys.every((key) => typeof key === 'string' && key !== '');
      if (!isPath) {
        throw refused(
          `${field}[${index}]`,
          "must be a dotted path ('customer.id') or an array of keys",
          path,
        );
      }
      return Object.freeze([...(keys as string[])]);
    }),
  );
}

function checkByPeriod(value: unknown, field: string): number | undefined {
  if (value == null) return undefined;
  // River counts a period in nanoseconds of 64 bits: 292 years at most.
  if (typeof value !== 'number' || !(value >= 1 && value <= 9_223_372_036)) {
    throw refused(
      field,
      'must be seconds, from 1 to 9223372036; fractions above 1 are allowed',
      value,
    );
  }
  return value;
}

function checkBoolean(value: unknown, field: string): boolean {
  if (value == null) return false;
  if (typeof value !== 'boolean') throw refused(field, 'must be true or false', value);
  return value;
}

function checkByState(value: unknown, field: string): readonly JobState[] | undefined {
  if (value == null) return undefined;
  if (!Array.isArray(value)) throw refused(field, 'must be a list of states', value);
  const states = new Set<JobState>();
  for (const [index, state] of (value as unknown[]).entries()) {
    if (!isJobState(state)) {
      throw refused(`${field}[${index}]`, `must be one of ${JOB_STATES.join(', ')}`, state);
    }
    states.add(state);
  }
  if (states.size === 0) return undefined;
  return Object.freeze([...states]);
}

function refused(field: string, rule: string, value?: unknown): InvalidJobError {
  const got = value === undefined ? '' : `; got ${describeValue(value)}`;
  return new InvalidJobError(`${field}: ${rule}${got}.`, {
    code: 'RIVER_INVALID_UNIQUE_OPTS',
    field,
  });
}
