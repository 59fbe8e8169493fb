import { got, refusal } from '../../errors/checks.js';
import { InvalidJobError } from '../../errors/invalid-errors.js';
import { jsonTokens } from '../../job/json-tokens.js';
import { whyNotText } from './well-formed.js';

const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** What Postgres' numeric holds: digits before and after the decimal point. */
export const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;
/** Levels of nesting: far above real args, far below what Postgres' parser can take. */
export const MAX_DEPTH = 1_000;

const refused = refusal(InvalidJobError, 'RIVER_ARGS_NOT_JSON');

const BRAND = Symbol.for('nestjs-river.RawJson');

/** JSON text to be taken as it stands; made by {@link rawJson}. */
export class RawJson {
  readonly #text: string;
  readonly #depth: number;

  /**
   * @param text valid JSON without white space between its tokens
   * @param depth its levels of nesting
   */
  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
    Object.freeze(this);
  }

  /** Whether it was made by {@link rawJson}, or looks like it; also by that of another installed copy. */
  static is(value: object): value is RawJson {
    return value instanceof RawJson || BRAND in value;
  }

  /**
   * What a value made by {@link rawJson} holds; undefined for what merely looks like one. The text of
   * one made by another installed copy of this package is checked again.
   */
  static contentOf(value: object): { text: string; depth: number } | undefined {
    if (#text in value) return { text: value.#text, depth: value.#depth };
    if (value instanceof RawJson) return undefined;
    const { text } = value as { readonly text?: unknown };
    return typeof text === 'string' ? RawJson.contentOf(rawJson(text)) : undefined;
  }

  get [BRAND](): true {
    return true;
  }

  get text(): string {
    return this.#text;
  }

  /** For `JSON.stringify`: the value as far as JavaScript can hold it. */
  toJSON(): unknown {
    return JSON.parse(this.#text);
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
  if (typeof text !== 'string') throw refused('rawJson', got('must be given a string', text));
  try {
    JSON.parse(text);
  } catch (cause) {
    throw refused('rawJson', 'must be valid JSON', cause);
  }
  const tokens = [...jsonTokens(text)];
  const depth = depthOf(tokens);
  if (depth > MAX_DEPTH) throw refused('rawJson', `is nested deeper than ${MAX_DEPTH} levels`);
  for (const token of tokens) {
    if (token.startsWith('"')) checkString(token);
    else if (/^[-\d]/.test(token)) checkNumber(token);
  }
  return new RawJson(tokens.join(''), depth);
}

function depthOf(tokens: readonly string[]): number {
  let depth = 0;
  let deepest = 0;
  for (const token of tokens) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

function checkString(token: string): void {
  const why = whyNotText(JSON.parse(token) as string);
  if (why !== undefined) throw refused('rawJson', `a string in it ${why}`);
}

function checkNumber(token: string): void {
  const [, integer = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? [];
  const shift = Number(exponent);
  if (integer.length + shift > MAX_INTEGER_DIGITS || fraction.length - shift > MAX_FRACTION_DIGITS)
    throw refused('rawJson', "a number in it is beyond the range of Postgres' numeric");
}
