import { describeValue } from '../errors/describe-value.js';
import type { RiverErrorCode } from '../errors/error-code.js';
import { InvalidJobError, unreadable } from '../errors/invalid-job-error.js';
import { isAbortSignal } from '../errors/is-abort-signal.js';
import { nameText } from '../errors/name-text.js';
import { isRefusal, reading } from '../errors/reading.js';
import type { OutsideTransaction } from '../job/insert-opts.js';
import { timeOf } from '../job/time-of.js';
import { NOTHING_GIVEN, type CheckedInsertOpts, type Schedule } from './checked-insert-opts.js';
import { checkUniqueOpts } from './check-unique-opts.js';
import { encodeJson } from './encode-json.js';
import {
  EARLIEST_TIME,
  isQueueName,
  MAX_MAX_ATTEMPTS,
  MAX_PRIORITY,
  MAX_QUEUE_LENGTH,
  MAX_TAG_LENGTH,
  TAG_PATTERN,
} from './insert-defaults.js';

const POLICIES: readonly unknown[] = ['allow', 'warn', 'error'] satisfies OutsideTransaction[];

/** How to check each option; the value is neither undefined nor null. Order is River's order. */
const CHECKS: Record<string, (value: unknown, field: string) => CheckedInsertOpts> = {
  queue: (value, field) => ({ queue: checkQueue(value, field) }),
  tags: (value, field) => ({ tags: checkTags(value, field) }),
  priority: (value, field) => ({
    priority: checkInteger(value, field, MAX_PRIORITY, 'RIVER_INVALID_PRIORITY'),
  }),
  maxAttempts: (value, field) => ({ maxAttempts: checkMaxAttempts(value, field) }),
  metadata: (value, field) => ({ metadata: checkMetadata(value, field) }),
  pending: (value, field) => ({ pending: checkPending(value, field) }),
  scheduledAt: (value, field) => ({ schedule: checkScheduledAt(value, field) }),
  delay: (value, field) => ({ schedule: checkDelay(value, field) }),
  uniqueOpts: (value, field) => ({ uniqueOpts: checkUniqueOpts(value, field) }),
  outsideTransaction: (value, field) => ({
    outsideTransaction: checkOutsideTransaction(value, field),
  }),
  signal: (value, field) => ({ signal: checkSignal(value, field) }),
};
const IN_ORDER = Object.entries(CHECKS);
/** Options whose two names are one dimension. */
const DIMENSION: Record<string, string> = { scheduledAt: 'schedule', delay: 'schedule' };

/**
 * Checks one level of options where it is given, and freezes a copy of it, so that later changes to
 * the caller's object change nothing.
 *
 * @param where prefix of the field names in refusals: '' for the call, `@JobArgs('sort').` and so on
 * @throws InvalidJobError naming the option and its rule
 */
export function checkInsertOpts(opts: unknown, where = ''): CheckedInsertOpts {
  return reading(unreadable(`${where}options`, 'RIVER_INVALID_OPTION'), () =>
    checkOptions(opts, where),
  );
}

function checkOptions(opts: unknown, where: string): CheckedInsertOpts {
  if (opts === undefined || opts === null) return NOTHING_GIVEN;
  if (typeof opts !== 'object' || Array.isArray(opts)) {
    throw refused('RIVER_INVALID_OPTION', `${where}options`, 'must be an object', opts);
  }
  const given = opts as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(CHECKS, name)) throw unknownOption(`${where}${nameText(name)}`);
  }
  if (given['scheduledAt'] != null && given['delay'] != null) {
    throw refused(
      'RIVER_INVALID_SCHEDULED_AT',
      `${where}delay`,
      'cannot be given beside scheduledAt; choose one',
    );
  }
  let checked: CheckedInsertOpts = NOTHING_GIVEN;
  for (const [name, check] of IN_ORDER) {
    const value = given[name];
    if (value === null) checked = { [DIMENSION[name] ?? name]: null, ...checked };
    else if (value !== undefined) {
      const field = `${where}${name}`;
      const refuse = unreadable(field, 'RIVER_INVALID_OPTION');
      checked = { ...checked, ...reading(refuse, () => check(value, field)) };
    }
  }
  return Object.freeze(checked);
}

/** @throws InvalidJobError when the value is no integer of 1 to 32767 (the column is a smallint). */
export function checkMaxAttempts(value: unknown, field: string): number {
  return checkInteger(value, field, MAX_MAX_ATTEMPTS, 'RIVER_INVALID_MAX_ATTEMPTS');
}

function checkInteger(value: unknown, field: string, max: number, code: RiverErrorCode): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw refused(code, field, `must be an integer from 1 to ${max}`, value);
  }
  return value;
}

function checkQueue(value: unknown, field: string): string {
  if (typeof value !== 'string' || !isQueueName(value)) {
    const rule =
      `must be 1 to ${MAX_QUEUE_LENGTH} lower-case letters and digits, ` +
      "groups of them joined by a single '_', '-' or '|'";
    throw refused('RIVER_INVALID_QUEUE', field, rule, value);
  }
  return value;
}

function checkTags(value: unknown, field: string): readonly string[] {
  if (!Array.isArray(value))
    throw refused('RIVER_INVALID_TAGS', field, 'must be an array of strings', value);
  const tags = Array.from(value as unknown[], (tag, index) => {
    if (typeof tag !== 'string' || tag.length > MAX_TAG_LENGTH || !TAG_PATTERN.test(tag)) {
      const rule =
        `must be 3 to ${MAX_TAG_LENGTH} ASCII letters, digits, '_' and '-', ` +
        "not beginning or ending with '-'";
      throw refused('RIVER_INVALID_TAGS', `${field}[${index}]`, rule, tag);
    }
    return tag;
  });
  return Object.freeze(tags);
}

function checkMetadata(value: unknown, field: string): string {
  const refuse = (cause?: unknown): InvalidJobError =>
    refused('RIVER_INVALID_METADATA', field, 'must be an object that JSON can hold', value, cause);
  if (typeof value !== 'object') throw refuse();
  let text: string;
  try {
    text = encodeJson(value, field);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new InvalidJobError(cause.message, {
      code: 'RIVER_INVALID_METADATA',
      field: cause.field,
      cause: cause.cause,
    });
  }
  if (!text.startsWith('{')) throw refuse();
  return text;
}

function checkPending(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean')
    throw refused('RIVER_INVALID_PENDING', field, 'must be true or false', value);
  return value;
}

function checkScheduledAt(value: unknown, field: string): Schedule {
  const time = timeOf(value);
  if (Number.isNaN(time) || time < EARLIEST_TIME) {
    throw refused(
      'RIVER_INVALID_SCHEDULED_AT',
      field,
      'must be a valid Date, not before 4714 BC',
      value,
    );
  }
  return Object.freeze({ at: new Date(time) });
}

function checkDelay(value: unknown, field: string): Schedule {
  const longest = 8.64e15;
  if (typeof value !== 'number' || !(value >= 0 && value <= longest)) {
    throw refused(
      'RIVER_INVALID_SCHEDULED_AT',
      field,
      'must be milliseconds from now, 0 to 8.64e15',
      value,
    );
  }
  return Object.freeze({ delayMs: value });
}

/** @throws InvalidJobError when the value is none of the policies */
export function checkOutsideTransaction(value: unknown, field: string): OutsideTransaction {
  if (!POLICIES.includes(value)) {
    throw refused('RIVER_INVALID_OPTION', field, "must be 'allow', 'warn' or 'error'", value);
  }
  return value as OutsideTransaction;
}

function checkSignal(value: unknown, field: string): AbortSignal {
  if (!isAbortSignal(value))
    throw refused('RIVER_INVALID_OPTION', field, 'must be an AbortSignal', value);
  return value;
}

function unknownOption(field: string): InvalidJobError {
  return new InvalidJobError(
    `${field}: there is no such option. The options are ${Object.keys(CHECKS).join(', ')}.`,
    { code: 'RIVER_INVALID_OPTION', field },
  );
}

function refused(
  code: RiverErrorCode,
  field: string,
  rule: string,
  ...[value, cause]: [value?: unknown, cause?: unknown]
): InvalidJobError {
  const got = value === undefined ? '' : `; got ${describeValue(value)}`;
  return new InvalidJobError(`${field}: ${rule}${got}.`, { code, field, cause });
}
