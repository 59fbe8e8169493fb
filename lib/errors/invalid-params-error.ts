import { describeValue } from './describe-value.js';
import { RiverError } from './river-error.js';

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
