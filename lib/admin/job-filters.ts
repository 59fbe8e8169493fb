import { got, listOf, object, oneOf, type Check, type Refuse } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';
import { checkTime, priority } from '../insert/options/check-insert-opts.js';
import { JOB_STATES, type JobState } from '../job/row/job-state.js';
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

/** A filter that every job satisfies is undefined. */
export const JOB_FILTER_CHECKS = {
  ids: setOf(checkJobId),
  kinds: setOf(checkText),
  queues: setOf(checkText),
  priorities: setOf((...given) => String(priority(...given))),
  states: setOf(oneOf(...JOB_STATES)),
  tagsAll: checkTagsAll,
  tagsAny: setOf(checkText),
  args: checkContained,
  metadata: checkContained,
  createdAt: checkTimeRange,
  attemptedAt: checkTimeRange,
  scheduledAt: checkTimeRange,
  finalizedAt: checkTimeRange,
} satisfies Record<keyof JobFilters, Check<unknown>>;

type FilterChecks = typeof JOB_FILTER_CHECKS;

/** Filters in the form that SQL takes them: each list without repeats, in one order. */
export type CheckedJobFilters = {
  readonly [Name in keyof FilterChecks]?: Exclude<ReturnType<FilterChecks[Name]>, undefined>;
};

/** Sorted, so that the same filters in another order are the same query. */
export function sortedSet<T extends string>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].sort();
}

function setOf<T extends string>(check: Check<T>): Check<readonly T[]> {
  return (...given) => sortedSet(listOf(check)(...given));
}

function checkTagsAll(...given: Parameters<Check<unknown>>): readonly string[] | undefined {
  const tags = setOf(checkText)(...given);
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

const BOUNDS: Check<TimeRange> = object({ from: checkTime, to: checkTime });

/** A copy of the range; none when both of its ends are open. */
function checkTimeRange(value: unknown, field: string, refuse: Refuse): TimeRange | undefined {
  if (!isPlainObject(value)) throw refuse(field, got('must be { from?: Date, to?: Date }', value));
  const range = BOUNDS(value, field, refuse);
  return Object.keys(range).length === 0 ? undefined : range;
}

/** Whether it is an object of no class: a Map's or an array's entries are not its properties. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // `Object.prototype`, also that of another realm, stands at the end of its chain.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
