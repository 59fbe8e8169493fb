import { invalidParams, InvalidParamsError, unreadableParams } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';
import { isRefusal, reading } from '../errors/reading.js';
import { encodeJson } from '../insert/json/encode-json.js';
import { whyNotText } from '../insert/json/well-formed.js';

/** The default and the largest size of a page, as in River's Go client. */
const DEFAULT_FIRST = 100;
const MAX_FIRST = 10_000;

/**
 * The parameters given, without those that are `undefined`.
 *
 * @throws InvalidParamsError when they are no object, or hold a name that is not known
 */
export function givenParams(params: unknown, names: readonly string[]): Record<string, unknown> {
  if (params === undefined) return {};
  const given = reading(unreadableParams('params'), () => {
    if (typeof params !== 'object' || params === null || Array.isArray(params)) {
      throw invalidParams('params', 'must be an object', params);
    }
    return Object.entries(params).filter(([, value]) => value !== undefined);
  });
  for (const [name] of given) {
    if (names.includes(name)) continue;
    throw invalidParams(
      nameText(name),
      `there is no such parameter. The parameters are ${names.join(', ')}`,
    );
  }
  return Object.fromEntries(given);
}

/** How many rows at most. */
export function checkFirst(value: unknown = DEFAULT_FIRST): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_FIRST) {
    return value as number;
  }
  throw invalidParams('first', `must be an integer from 1 to ${MAX_FIRST}`, value);
}

/** A text that Postgres can compare with a column. */
export function checkText(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') {
    throw invalidParams(field, 'must be a string that is not empty', value);
  }
  const why = whyNotText(value);
  if (why !== undefined) throw invalidParams(field, `the string ${why}`, value);
  return value;
}

/** The JSON text of an object. */
export function checkJsonObject(value: unknown, field: string): string {
  const text = checkJson(value, field);
  if (!text.startsWith('{')) throw invalidParams(field, 'must be a JSON object', value);
  return text;
}

/** The JSON text of a value. */
export function checkJson(value: unknown, field: string): string {
  try {
    return encodeJson(value, field);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new InvalidParamsError(cause.message, {
      code: 'RIVER_INVALID_PARAMS',
      field: cause.field,
      cause: cause.cause,
    });
  }
}
