import { jsonTokens } from './json-tokens.js';

const MARK = '\0bigint:';

/**
 * `JSON.parse`, but integers that a JavaScript number cannot hold exactly come back as bigints.
 *
 * They are marked on the way through `JSON.parse` by strings that begin with NUL, which neither
 * jsonb nor our encoder ever holds.
 */
export function decodeJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const marked: string[] = [];
  for (const token of jsonTokens(text)) {
    const isUnsafe = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    marked.push(isUnsafe ? `"\\u0000bigint:${token}"` : token);
  }
  return JSON.parse(marked.join(''), (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}
