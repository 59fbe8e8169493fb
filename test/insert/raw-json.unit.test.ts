import { describe, expect, test } from '@jest/globals';
import { rawJson } from '../../lib/insert/json/raw-json.js';
import { refusalOf } from './refusal.js';

const refusalFor = (text: unknown) => refusalOf(() => rawJson(text as string));

describe('rawJson', () => {
  test.each([
    ['1.0', '1.0'],
    ['-0', '-0'],
    ['1E+2', '1E+2'],
    ['"a\\u00e9\\/b"', '"a\\u00e9\\/b"'],
    ['null', 'null'],
    [' [ 1 , "a b" , { "c" : true } ]\n', '[1,"a b",{"c":true}]'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    ['\t{ }\r\n', '{}'],
    ['"\\ud83d\\ude00"', '"\\ud83d\\ude00"'],
    ['12345678901234567890123', '12345678901234567890123'],
  ])('keeps the spelling of %s and drops the space between tokens', (text, expected) => {
    expect(rawJson(text).text).toBe(expected);
  });

  test.each([
    '',
    ' ',
    '{',
    '{"a":}',
    'undefined',
    'NaN',
    "{'a':1}",
    '[1,]',
    '01',
    '1.',
    '"\n"',
    '1 2',
  ])('refuses %j, which is not JSON', (text) => {
    expect(refusalFor(text)).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'rawJson' });
  });

  test.each([[undefined], [null], [5], [true], [{}], [['{}']], [Symbol('x')], [2n]])(
    'refuses what is no string, %p',
    (text) => {
      expect(refusalFor(text)).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'rawJson' });
    },
  );

  test.each(['"\\u0000"', '{"\\u0000":1}', '["\\ud800"]', '"\\udc00\\ud800"'])(
    'refuses %s, which jsonb cannot hold',
    (text) => {
      expect(refusalFor(text).message).toMatch(/a string in it holds/);
    },
  );

  test.each(['1e131071', '-1e131071', '1e-16383', '1'.repeat(131_072), `0.${'1'.repeat(16_383)}`])(
    'takes a number that Postgres just holds',
    (text) => {
      expect(rawJson(text).text).toBe(text);
    },
  );

  test.each([
    '1e131072',
    '1e-16384',
    '1.5e-16383',
    '1'.repeat(131_073),
    `0.${'1'.repeat(16_384)}`,
    '1e999999999999999999999',
    '1e-999999999999999999999',
    '[{"a":-1e200000}]',
  ])('refuses a number just beyond what Postgres holds', (text) => {
    expect(refusalFor(text).message).toMatch(/beyond the range of Postgres' numeric/);
  });

  test('takes 1,000 levels and refuses one more, however many more', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(rawJson(nested(1_000)).text).toHaveLength(2_000);
    for (const levels of [1_001, 20_000, 500_000]) {
      expect(refusalFor(nested(levels)).message).toMatch(/nested deeper than 1000 levels/);
    }
    expect(rawJson(`[${'[],'.repeat(5_000)}[]]`).text).toHaveLength(15_004);
  });

  test('takes a text of megabytes with as many backslashes', () => {
    const text = JSON.stringify({ text: '\\"'.repeat(1_000_000) });
    expect(rawJson(text).text).toBe(text);
  });

  test('cannot be changed afterwards', () => {
    const raw = rawJson('{"a":1}');
    expect(() => Object.assign(raw, { text: '}' })).toThrow(TypeError);
    expect(raw.text).toBe('{"a":1}');
  });

  test('is understood by JSON.stringify too, as far as JavaScript can', () => {
    expect(JSON.stringify({ price: rawJson('12.50') })).toBe('{"price":12.5}');
  });

  test('does not repeat the text in a refusal', () => {
    expect(refusalFor('{"password": hunter2}').message).not.toContain('hunter2');
  });
});
