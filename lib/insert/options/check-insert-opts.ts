import {
  boolean,
  checkOptions,
  got,
  integer,
  listOf,
  must,
  number,
  oneOf,
  or,
  refusal,
  reportAs,
  signal,
  type Check,
  type Checks,
  type Refuse,
} from '../../errors/checks.js';
import { InvalidJobError } from '../../errors/invalid-errors.js';
import type { OutsideTransaction } from '../../job/insert-options.js';
import { timeOf } from '../../job/time-of.js';
import { NOTHING_GIVEN, type CheckedInsertOpts, type Schedule } from './checked-insert-opts.js';
import { checkUniqueOpts } from './check-unique-opts.js';
import { encodeJson } from '../json/encode-json.js';
import {
  EARLIEST_TIME,
  isQueueName,
  MAX_MAX_ATTEMPTS,
  MAX_PRIORITY,
  MAX_QUEUE_LENGTH,
  MAX_TAG_LENGTH,
  TAG_PATTERN,
} from './insert-limits.js';

export const invalidOption = refusal(InvalidJobError, 'RIVER_INVALID_OPTION');

/** The column is a smallint. */
export const maxAttempts = integer(1, MAX_MAX_ATTEMPTS);
export const outsideTransaction = oneOf<OutsideTransaction>('allow', 'warn', 'error');
export const queue = must<string>(
  `must be 1 to ${MAX_QUEUE_LENGTH} lower-case letters and digits, ` +
    "groups of them joined by a single '_', '-' or '|'",
  (value) => typeof value === 'string' && isQueueName(value),
);
const tag = must<string>(
  `must be 3 to ${MAX_TAG_LENGTH} ASCII letters, digits, '_' and '-', ` +
    "not beginning or ending with '-'",
  (value) => typeof value === 'string' && value.length <= MAX_TAG_LENGTH && TAG_PATTERN.test(value),
);
const delayMs = number(0, 8.64e15, 'milliseconds from now,');
export const priority = integer(1, MAX_PRIORITY);
/** The two ways to say when a job may be worked. */
export const SCHEDULE_CHECKS = {
  scheduledAt: (...given: Parameters<Check<Schedule>>): Schedule =>
    Object.freeze({ at: checkTime(...given) }),
  delay: (...given: Parameters<Check<Schedule>>): Schedule =>
    Object.freeze({ delayMs: delayMs(...given) }),
};

/** Options as they are given, each after its check. */
interface GivenInsertOpts extends Omit<CheckedInsertOpts, 'schedule'> {
  readonly scheduledAt?: Schedule | null;
  readonly delay?: Schedule | null;
}

/** In River's order. */
const CHECKS: Checks<GivenInsertOpts> = {
  queue: or(null, queue),
  tags: or(null, (...given) => Object.freeze(listOf(tag)(...given))),
  priority: or(null, priority),
  maxAttempts: or(null, maxAttempts),
  metadata: or(null, checkMetadata),
  pending: or(null, boolean),
  scheduledAt: or(null, SCHEDULE_CHECKS.scheduledAt),
  delay: or(null, SCHEDULE_CHECKS.delay),
  uniqueOpts: or(null, checkUniqueOpts),
  outsideTransaction: or(null, outsideTransaction),
  signal: or(null, signal),
};

/**
 * Checks one level of options where it is given, and freezes a copy of it, so that later changes to
 * the caller's object change nothing.
 *
 * @param where prefix of the field names in errors: '' for the call, `@JobArgs('sort').` and so on
 * @throws InvalidJobError naming the option and its rule
 */
export function checkInsertOpts(opts: unknown, where = ''): CheckedInsertOpts {
  if (opts === undefined || opts === null) return NOTHING_GIVEN;
  const as = { field: `${where}options`, prefix: where, refuse: invalidOption };
  const given = checkOptions(opts, CHECKS, as);
  if (!('scheduledAt' in given || 'delay' in given)) return given;
  const { scheduledAt: _scheduledAt, delay: _delay, ...checked } = given;
  const schedule = oneSchedule(given, `${where}delay`, invalidOption) ?? null;
  return Object.freeze({ ...checked, schedule });
}

/** The schedule that is given in one of its two ways. */
export function oneSchedule(
  { scheduledAt, delay }: Pick<GivenInsertOpts, 'scheduledAt' | 'delay'>,
  field: string,
  refuse: Refuse,
): Schedule | undefined {
  if (scheduledAt != null && delay != null) {
    throw refuse(field, 'cannot be given beside scheduledAt; choose one');
  }
  return scheduledAt ?? delay ?? undefined;
}

function checkMetadata(value: unknown, field: string, refuse: Refuse): string {
  const text =
    typeof value === 'object'
      ? reportAs(InvalidJobError, 'RIVER_INVALID_OPTION', () => encodeJson(value, field))
      : '';
  if (text.startsWith('{')) return text;
  throw refuse(field, got('must be an object that JSON can hold', value));
}

/** A copy of the time. */
export function checkTime(value: unknown, field: string, refuse: Refuse): Date {
  const time = timeOf(value);
  if (time >= EARLIEST_TIME) return new Date(time);
  throw refuse(field, got('must be a valid Date, not before 4714 BC', value));
}
