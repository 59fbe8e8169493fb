import type { RiverErrorCode } from './error-code.js';
import { RiverError } from './river-error.js';
import { describeValue } from './describe-value.js';

/**
 * A job was refused before anything was sent: its args, its kind, or one of its options. A
 * transaction under way stays usable, and a batch with one such job inserts nothing.
 */
export class InvalidJobError extends RiverError {
  /** The same refusal, told as that of the job at `index` of a batch. */
  at(index: number): InvalidJobError {
    return new InvalidJobError(`jobs[${index}]: ${this.message}`, {
      code: this.code,
      field: this.field,
      index,
      cause: this.cause,
    });
  }
}

/** The refusal of a part of a job that threw an error when it was read. */
export function unreadable(field: string, code: RiverErrorCode) {
  return (rule: string, cause: unknown): InvalidJobError =>
    new InvalidJobError(`${field}: ${rule}.`, { code, field, cause });
}

/**
 * A call about jobs or queues was refused before anything was sent: an id, a filter, a page size, a
 * cursor. A transaction under way stays usable.
 */
export class InvalidParamsError extends RiverError {}

/** The refusal of a parameter that threw an error when it was read. */
export function unreadableParams(field: string) {
  return (rule: string, cause: unknown): InvalidParamsError =>
    new InvalidParamsError(`${field}: ${rule}.`, { code: 'RIVER_INVALID_PARAMS', field, cause });
}

/** The refusal of a value, by its name and the rule that it breaks; the value only where it tells more. */
export function invalidParams(
  field: string,
  rule: string,
  ...given: [value?: unknown]
): InvalidParamsError {
  const got = given.length === 0 ? '' : `; got ${describeValue(given[0])}`;
  return new InvalidParamsError(`${field}: ${rule}${got}.`, {
    code: 'RIVER_INVALID_PARAMS',
    field,
  });
}
