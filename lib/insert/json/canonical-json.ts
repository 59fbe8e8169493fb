import { jsonTokens } from '../../job/json-tokens.js';

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/**
 * A text that is the same for two JSON texts exactly when Postgres' jsonb holds them equal.
 *
 * @param timesAsInstants the spelling of a time in RFC 3339 does not count: Go's `time.Time` and
 *   JavaScript's `Date` write the same instant differently
 */
export function canonicalJson(text: string, timesAsInstants = false): string {
  const marked: string[] = [];
  for (const token of jsonTokens(text)) {
    // Strings that begin with NUL are free for marking: jsonb holds none.
    marked.push(/^[-\d]/.test(token) ? `"\\u0000${canonicalNumber(token)}"` : token);
  }
  return JSON.stringify(
    JSON.parse(marked.join(''), (_key, value: unknown) =>
      typeof value === 'string' && timesAsInstants ? instantOf(value) : sortKeys(value),
    ),
  );
}

/** Digits without leading and trailing zeros, and a power of ten: `1.50` and `15e-1` are both 15e-1. */
function canonicalNumber(token: string): string {
  const [, sign = '', integer = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? [];
  const digits = (integer + fraction).replace(/^0+/, '');
  const significant = withoutZerosAtEnd(digits);
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return significant === '' ? '0' : `${sign}${significant}e${power}`;
}

/** No regular expression: it would look at a long run of zeros in the middle once for each of them. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

function instantOf(value: string): string {
  const [, seconds, fraction = '', zone] = TIME.exec(value) ?? [];
  const time = seconds === undefined ? Number.NaN : Date.parse(`${seconds}${zone}`);
  return Number.isNaN(time) ? value : `\0${time}.${withoutZerosAtEnd(fraction)}`;
}

/** As entries, since an object would move integer-like keys to its front. */
function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return { o: Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) };
}
