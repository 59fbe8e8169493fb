import { describe, expect, test } from '@jest/globals';
import { jsonTokens } from '../../lib/job/json-tokens.js';

describe('jsonTokens', () => {
  test('gives punctuation, strings with their quotes, numbers and literals as written', () => {
    expect([...jsonTokens(' {"a" : [1.50, -2e+3 ,true,null], "":"x"}\n')]).toEqual([
      '{',
      '"a"',
      ':',
      '[',
      '1.50',
      ',',
      '-2e+3',
      ',',
      'true',
      ',',
      'null',
      ']',
      ',',
      '""',
      ':',
      '"x"',
      '}',
    ]);
  });

  test.each(['"', '\\', '\\"', 'a\\', '\\\\', '\\\\"', ',', '{}', '\u2028', '\u00a0 \ufeff', '😀'])(
    'keeps a string of %j whole',
    (content) => {
      const token = JSON.stringify(content);
      expect([...jsonTokens(`[${token},${token}]`)]).toEqual(['[', token, ',', token, ']']);
    },
  );

  test('of any text together are the text without its space', () => {
    const value = { a: [{ b: 'x y' }, [], {}, -1.5e-7], 'c d': null };
    expect([...jsonTokens(JSON.stringify(value, undefined, 2))].join('')).toBe(
      JSON.stringify(value),
    );
  });

  test('gives nothing for an empty text', () => {
    expect([...jsonTokens('')]).toEqual([]);
    expect([...jsonTokens(' \n')]).toEqual([]);
  });

  test('ends also where a string does not', () => {
    expect([...jsonTokens('["abc\\"')].join('')).toBe('["abc\\"');
  });
});
