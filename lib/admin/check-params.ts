import {
  checkOptions,
  got,
  integer,
  nonEmptyString,
  reportAs,
  type Checks,
} from '../errors/checks.js';
import { invalidParams, InvalidParamsError } from '../errors/invalid-errors.js';
import { encodeJson } from '../insert/json/encode-json.js';
import { whyNotText } from '../insert/json/well-formed.js';

/** The default size of a page, as in River's Go client. */
export const DEFAULT_FIRST = 100;
/** How many rows at most, as in River's Go client. */
export const first = integer(1, 10_000);

/**
 * Checks the parameters of a call.
 *
 * @throws InvalidParamsError naming the parameter and its rule
 */
export function checkParams<T extends object>(params: unknown, checks: Checks<T>): Partial<T> {
  return checkOptions(params === undefined ? {} : params, checks, {
    field: 'params',
    refuse: invalidParams,
  });
}

/** A text that Postgres can compare with a column. */
export function checkText(value: unknown, field: string): string {
  const text = nonEmptyString(value, field, invalidParams);
  const why = whyNotText(text);
  if (why !== undefined) throw invalidParams(field, got(`the string ${why}`, value));
  return text;
}

/** The JSON text of an object. */
export function checkJsonObject(value: unknown, field: string): string {
  const text = checkJson(value, field);
  if (!text.startsWith('{')) throw invalidParams(field, got('must be a JSON object', value));
  return text;
}

/** The JSON text of a value. */
export function checkJson(value: unknown, field: string): string {
  return asParams(() => encodeJson(value, field));
}

/** Reports what a check of an insert rejects as a parameter of this call. */
export function asParams<T>(check: () => T): T {
  return reportAs(InvalidParamsError, 'RIVER_INVALID_PARAMS', check);
}
