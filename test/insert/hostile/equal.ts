import { types } from 'node:util';
import { RawJson } from '../../../lib/insert/json/raw-json.js';
import { decodeJson } from '../../../lib/job/decode-json.js';

/** No string that could be stored begins so. */
const MARK = '\0exact:';

/**
 * What a value is to come back as, told by JSON.stringify and so by other code than the one under
 * test; only what it cannot say (bigints, rawJson) is carried past it.
 */
export function expectedValue(value: unknown, leftOut: readonly string[] = []): unknown {
  const exact: unknown[] = [];
  const mark = (held: unknown): string => `${MARK}${exact.push(held) - 1}`;
  const text = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, member: unknown) {
      const held = this[key];
      if (held instanceof RawJson) return mark(decodeJson(held.text));
      return typeof member === 'bigint' ? mark(member) : unboxed(member, mark);
    },
  );
  const parsed = JSON.parse(text, (_key, member: unknown) =>
    typeof member === 'string' && member.startsWith(MARK)
      ? exact[Number(member.slice(MARK.length))]
      : member,
  ) as unknown;
  for (const key of leftOut) delete (parsed as Record<string, unknown>)[key];
  return parsed;
}

function unboxed(member: unknown, mark: (held: unknown) => string): unknown {
  return types.isBigIntObject(member) ? mark(BigInt.prototype.valueOf.call(member)) : member;
}

/**
 * Whether two values are the same to jsonb: keys in any order, `-0` as 0, a number and the string of
 * digits that it comes back as.
 */
export function sameToJsonb(expected: unknown, actual: unknown): boolean {
  if (isNumeric(expected)) {
    const number = typeof actual === 'string' && DIGITS.test(actual) ? BigInt(actual) : actual;
    return isNumeric(number) && sameNumber(expected, number);
  }
  if (typeof expected !== 'object' || typeof actual !== 'object') return expected === actual;
  if (expected === null || actual === null) return expected === actual;
  if (Array.isArray(expected) !== Array.isArray(actual)) return false;
  const keys = Object.keys(expected);
  return (
    keys.length === Object.keys(actual).length &&
    keys.every(
      (key) =>
        Object.hasOwn(actual, key) && sameToJsonb(memberOf(expected, key), memberOf(actual, key)),
    )
  );
}

const DIGITS = /^-?\d{16,}$/;

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Two bigints are to be the same to the last digit; a double is what its shortest text says. */
function sameNumber(expected: number | bigint, actual: number | bigint): boolean {
  if (typeof expected === 'bigint' && typeof actual === 'bigint') return expected === actual;
  if (typeof expected === 'bigint' && !Number.isSafeInteger(actual)) return false;
  return Number(expected) === Number(actual);
}

function memberOf(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}
