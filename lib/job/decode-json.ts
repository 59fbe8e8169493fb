import { jsonTokens } from './json-tokens.js';

/**
 * `JSON.parse`, but integers that a JavaScript number cannot hold exactly come back as strings of
 * their digits, as drivers give a `bigint` column: a bigint would keep the digits as well, but
 * whoever writes the value as JSON, as a controller does, would fail.
 */
export function decodeJson(text: string): unknown {
  // As the metadata of nearly all jobs.
  if (text === '{}') return {};
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(Array.from(jsonTokens(text), quotedIfUnsafe).join(''));
}

function quotedIfUnsafe(token: string): string {
  const isUnsafe = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
  return isUnsafe ? `"${token}"` : token;
}
