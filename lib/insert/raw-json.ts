import { InvalidJobError } from '../errors/invalid-job-error.js';
import { jsonTokens } from '../job/json-tokens.js';
import { whyNotText } from './well-formed.js';

const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** What Postgres' numeric holds: digits before and after the decimal point. */
export const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/** JSON text to be taken as it stands; made by {@link rawJson}. */
export class RawJson {
  /** @param text valid JSON without white space between its tokens. */
  constructor(readonly text: string) {
    Object.freeze(this);
  }
}

/**
 * The JSON text of a value, or of the whole args, for spellings that JavaScript has no value for,
 * such as `1.0`. White space between its tokens is dropped; nothing else is changed.
 *
 * @example
 * new PriceArgs(rawJson('12.50'))
 * @throws InvalidJobError when the text is not JSON or Postgres cannot hold it.
 */
export function rawJson(text: string): RawJson {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw refused('must be valid JSON', cause);
  }
  const tokens = [...jsonTokens(text)];
  for (const token of tokens) {
    if (token.startsWith('"')) checkString(token);
    else if (/^[-\d]/.test(token)) checkNumber(token);
  }
  return new RawJson(tokens.join(''));
}

function checkString(token: string): void {
  const why = whyNotText(JSON.parse(token) as string);
  if (why !== undefined) throw refused(`a string in it ${why}`);
}

function checkNumber(token: string): void {
  const [, integer = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? [];
  const shift = Number(exponent);
  if (integer.length + shift > MAX_INTEGER_DIGITS || fraction.length - shift > MAX_FRACTION_DIGITS)
    throw refused("a number in it is beyond the range of Postgres' numeric");
}

function refused(rule: string, cause?: unknown): InvalidJobError {
  return new InvalidJobError(`rawJson: ${rule}.`, {
    code: 'RIVER_ARGS_NOT_JSON',
    field: 'rawJson',
    cause,
  });
}
