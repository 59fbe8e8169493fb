import { jsonTokens } from '../job/json-tokens.js';

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A text that is the same for two JSON texts exactly when Postgres' jsonb holds them equal. */
export function canonicalJson(text: string): string {
  const marked: string[] = [];
  for (const token of jsonTokens(text)) {
    // Strings that begin with NUL are free for marking: jsonb holds none.
    marked.push(/^[-\d]/.test(token) ? `"\\u0000${canonicalNumber(token)}"` : token);
  }
  return JSON.stringify(JSON.parse(marked.join(''), (_key, value: unknown) => sortKeys(value)));
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

/** As entries, since an object would move integer-like keys to its front. */
function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return { o: Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) };
}
