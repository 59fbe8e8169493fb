import { invalidParams, unreadableParams } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';
import { reading } from '../errors/reading.js';
import { EARLIEST_TIME } from '../insert/options/insert-limits.js';
import { isJobState, JOB_STATES, type JobState } from '../job/row/job-state.js';
import { timeOf } from '../job/time-of.js';
import { checkJsonObject, checkText } from './check-params.js';
import { checkJobId, type JobId } from './job-id.js';

/** From a moment on, and before another; either may be left out. */
export interface TimeRange {
  /** This moment and later. */
  readonly from?: Date | undefined;
  /** Earlier than this moment. */
  readonly to?: Date | undefined;
}

/**
 * Which jobs are meant: those that satisfy every filter given. What is left out, or `undefined`, does
 * not count; a list that is empty matches no job, except `tagsAll`, which then matches every one.
 */
export interface JobFilters {
  readonly ids?: readonly JobId[] | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly queues?: readonly string[] | undefined;
  /** 1 to 4. */
  readonly priorities?: readonly number[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  /** Jobs that have all of these tags. */
  readonly tagsAll?: readonly string[] | undefined;
  /** Jobs that have one of these tags, or more. */
  readonly tagsAny?: readonly string[] | undefined;
  /**
   * Jobs whose args contain this object, as Postgres' `@>` sees it: `{ customer: { id: 7 } }`. An
   * instance of a class of args is taken as its JSON, so all of its properties count.
   */
  readonly args?: object | undefined;
  /** Jobs whose metadata contain this object, as Postgres' `@>` sees it. */
  readonly metadata?: object | undefined;
  /** When they were inserted. */
  readonly createdAt?: TimeRange | undefined;
  /** When their last attempt began; never for jobs without one. */
  readonly attemptedAt?: TimeRange | undefined;
  /** When they may be worked. */
  readonly scheduledAt?: TimeRange | undefined;
  /** When they were completed, cancelled or discarded; never for the others. */
  readonly finalizedAt?: TimeRange | undefined;
}

const CHECKS = {
  ids: listOf(checkJobId),
  kinds: listOf(checkText),
  queues: listOf(checkText),
  priorities: listOf(checkPriority),
  states: listOf(checkState),
  tagsAll: checkTagsAll,
  tagsAny: listOf(checkText),
  args: checkContained,
  metadata: checkContained,
  createdAt: checkTimeRange,
  attemptedAt: checkTimeRange,
  scheduledAt: checkTimeRange,
  finalizedAt: checkTimeRange,
};

type FilterName = keyof typeof CHECKS;

/**
 * Filters in the form that SQL takes them: each list without repeats, in one order. Those that every
 * job satisfies are left out.
 */
export type CheckedJobFilters = {
  readonly [Name in FilterName]?: Exclude<ReturnType<(typeof CHECKS)[Name]>, undefined>;
};

export const JOB_FILTER_NAMES = Object.keys(CHECKS) as readonly FilterName[];

/**
 * @param given parameters of which some may be filters
 * @throws InvalidParamsError naming the filter and its rule
 */
export function checkJobFilters(given: Readonly<Record<string, unknown>>): CheckedJobFilters {
  const checked = JOB_FILTER_NAMES.filter((name) => given[name] !== undefined).map(
    (name) =>
      [name, reading(unreadableParams(name), () => CHECKS[name](given[name], name))] as const,
  );
  return Object.fromEntries(checked.filter(([, filter]) => filter !== undefined));
}

/** Sorted, so that the same filters in another order are the same query. */
function listOf<T extends string>(check: (value: unknown, field: string) => T) {
  return (value: unknown, field: string): readonly T[] => {
    if (!Array.isArray(value)) throw invalidParams(field, 'must be an array', value);
    const items = Array.from(value as unknown[], (each, index) =>
      check(each, `${field}[${index}]`),
    );
    return [...new Set(items)].sort();
  };
}

function checkTagsAll(value: unknown, field: string): readonly string[] | undefined {
  const tags = listOf(checkText)(value, field);
  return tags.length === 0 ? undefined : tags;
}

/** None where every object contains it. */
function checkContained(value: unknown, field: string): string | undefined {
  refuseUndefined(value, field);
  const text = checkJsonObject(value, field);
  return text === '{}' ? undefined : text;
}

/** JSON leaves such properties out, and the filter would match more jobs than its author means. */
function refuseUndefined(value: unknown, field: string): void {
  if (!isPlainObject(value)) return;
  for (const [key, member] of Object.entries(value)) {
    const its = `${field}.${nameText(key)}`;
    if (member === undefined) throw invalidParams(its, 'must not be undefined; leave it out');
    refuseUndefined(member, its);
  }
}

function checkPriority(value: unknown, field: string): string {
  if (typeof value !== 'number' || ![1, 2, 3, 4].includes(value)) {
    throw invalidParams(field, 'must be an integer from 1 to 4', value);
  }
  return String(value);
}

function checkState(value: unknown, field: string): JobState {
  if (isJobState(value)) return value;
  throw invalidParams(field, `must be one of ${JOB_STATES.join(', ')}`, value);
}

/** A copy of the range; none when both of its ends are open. */
function checkTimeRange(value: unknown, field: string): TimeRange | undefined {
  if (!isPlainObject(value)) {
    throw invalidParams(field, 'must be { from?: Date, to?: Date }', value);
  }
  const range: { from?: Date; to?: Date } = {};
  for (const [bound, time] of Object.entries(value)) {
    if (bound !== 'from' && bound !== 'to') {
      throw invalidParams(
        `${field}.${nameText(bound)}`,
        'there is no such bound, only from and to',
      );
    }
    if (time !== undefined) range[bound] = checkTime(time, `${field}.${bound}`);
  }
  return Object.keys(range).length === 0 ? undefined : range;
}

/** Whether it is an object of no class: a Map's or an array's entries are not its properties. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // `Object.prototype`, also that of another realm, stands at the end of its chain.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function checkTime(value: unknown, field: string): Date {
  const time = timeOf(value);
  if (time >= EARLIEST_TIME) return new Date(time);
  throw invalidParams(field, 'must be a valid Date, not before 4714 BC', value);
}
