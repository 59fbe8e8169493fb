import { jsonTokens } from './json-tokens.js';

const MARK = '\0bigint:';

/**
 * `JSON.parse`, but integers that a JavaScript number cannot hold exactly come back as bigints.
 *
 * They are marked on the way through `JSON.parse` by strings that begin with NUL, which neither
 * jsonb nor our encoder ever holds.
 */
export function decodeJson(text: string): unknown {
  // As the metadata of nearly all jobs.
  if (text === '{}') return {};
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const marked: string[] = [];
  for (const token of jsonTokens(text)) {
    const isUnsafe = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    marked.push(isUnsafe ? `"\\u0000bigint:${token}"` : token);
  }
  const whole = [JSON.parse(marked.join('')) as unknown];
  putBigints(whole);
  return whole[0];
}

/** Without recursion, which a reviver of `JSON.parse` needs: jsonb nests deeper than it can go. */
function putBigints(root: object): void {
  const left: object[] = [root];
  for (let container = left.pop(); container !== undefined; container = left.pop()) {
    for (const [key, value] of Object.entries(container) as [string, unknown][]) {
      if (typeof value === 'object' && value !== null) left.push(value);
      else if (typeof value === 'string' && value.startsWith(MARK))
        (container as Record<string, unknown>)[key] = BigInt(value.slice(MARK.length));
    }
  }
}
