import { describe, expect, test } from '@jest/globals';
import { decodeJson } from '../../lib/job/decode-json.js';

describe('decodeJson', () => {
  test.each([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740992', '-9007199254740992'],
    ['18446744073709551616', '18446744073709551616'],
    ['0000000000000001e0'.slice(-3), 1],
    ['1e21', 1e21],
    ['1234567890123456.0', 1234567890123456],
    ['12345678901234567.5', 12345678901234567.5],
    ['0.12345678901234567890', 0.12345678901234568],
    ['1e-20', 1e-20],
    ['-0', -0],
    ['true', true],
    ['null', null],
    ['"1234567890123456789"', '1234567890123456789'],
  ])('reads %s as JavaScript holds it', (text, value) => {
    expect(decodeJson(text)).toBe(value);
  });

  test('finds large integers at any depth, and only where they are numbers', () => {
    const text =
      '{"a":[{"12345678901234567890":12345678901234567890}],"s":"x 12345678901234567890"}';
    expect(decodeJson(text)).toEqual({
      a: [{ '12345678901234567890': '12345678901234567890' }],
      s: 'x 12345678901234567890',
    });
  });

  test('reads what jsonb prints, with its spaces', () => {
    expect(decodeJson('{"a": [1, 12345678901234567890], "b": "\\" , :"}')).toEqual({
      a: [1, '12345678901234567890'],
      b: '" , :',
    });
  });

  test('keeps a __proto__ key as data, beside large integers and under it', () => {
    const value = decodeJson('{"__proto__": 12345678901234567890, "b": {"__proto__": {"c": 1}}}');
    expect(Object.entries(value as object)[0]).toEqual(['__proto__', '12345678901234567890']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('does not take a text that looks like our mark for a number', () => {
    expect(decodeJson('["bigint:5", 12345678901234567890]')).toEqual([
      'bigint:5',
      '12345678901234567890',
    ]);
  });

  test('is linear in strings of megabytes with many quotes and backslashes', () => {
    const text = '\\"\\\\'.repeat(1_000_000) + '\\'.repeat(1_000_001);
    const begin = process.cpuUsage();
    expect(decodeJson(JSON.stringify([text, 1]) + ' '.repeat(10))).toEqual([text, 1]);
    const json = `{"text":${JSON.stringify(text)},"n":12345678901234567890}`;
    expect(decodeJson(json)).toEqual({ text, n: '12345678901234567890' });
    expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(5_000);
  });

  test('reads as deep a nesting as Postgres can store', () => {
    const levels = 10_000;
    const text = '['.repeat(levels) + '12345678901234567890' + ']'.repeat(levels);
    let value = decodeJson(text);
    for (let level = 0; level < levels; level++) value = (value as unknown[])[0];
    expect(value).toBe('12345678901234567890');
  });

  test.each([
    '',
    '{',
    '"1234567890123456',
    '{"a":1234567890123456',
    '[1234567890123456,]',
    '"\\"1234567890123456\\"',
  ])('throws for %s, which is no JSON, and comes to an end', (text) => {
    expect(() => decodeJson(text)).toThrow(SyntaxError);
  });
});
