import { describe, expect, test } from '@jest/globals';
import { canonicalJson } from '../../lib/insert/json/canonical-json.js';

describe('canonicalJson', () => {
  test.each([
    ['{"a":1,"b":2}', '{ "b" : 2, "a" : 1 }'],
    ['{"2":0,"10":0,"a":0}', '{"a":0,"10":0,"2":0}'],
    ['{"a":{"c":1,"b":[{"e":1,"d":2}]}}', '{"a":{"b":[{"d":2,"e":1}],"c":1}}'],
    ['[1,1.0,1e0,10e-1,0.1E1,1.000]', '[1,1,1,1,1,1]'],
    ['[0,-0,0.0,0e5,-0.00e-3]', '[0,0,0,0,0]'],
    ['[100,1e2,1E+2,0.1e3,-12.50]', '[100,100,100,100,-12.5]'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['"\\u00e9\\/\\u0022"', '"é/\\""'],
    ['{"\\u0061":1}', '{"a":1}'],
    ['{"__proto__":{"b":1,"a":2}}', '{"__proto__":{"a":2,"b":1}}'],
  ])('is the same for %s and %s, which jsonb holds equal', (a, b) => {
    expect(canonicalJson(a)).toBe(canonicalJson(b));
  });

  test.each([
    ['1', '"1"'],
    ['1', '-1'],
    ['1', '10'],
    ['0.1', '0.01'],
    ['9007199254740992', '9007199254740993'],
    ['0.1', '0.10000000000000000001'],
    ['null', '"null"'],
    ['[1,2]', '[2,1]'],
    ['[[1],2]', '[1,[2]]'],
    ['{}', '[]'],
    ['{"a":1}', '[["a",1]]'],
    ['{"a":1}', '{"o":[["a",1]]}'],
    ['{"a":null}', '{}'],
    ['{"a":{"b":1}}', '{"a":1,"b":1}'],
    ['"é"', '"e\\u0301"'],
    ['{"__proto__":1}', '{}'],
  ])('differs for %s and %s', (a, b) => {
    expect(canonicalJson(a)).not.toBe(canonicalJson(b));
  });

  test('takes linear time for the longest numbers', () => {
    const begin = process.cpuUsage();
    const number = `1${'0'.repeat(131_000)}1`;
    expect(canonicalJson(`[${number}]`)).not.toBe(canonicalJson(`[${number}0]`));
    expect(canonicalJson(`${number}.${'0'.repeat(16_000)}`)).toBe(canonicalJson(number));
    expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(1_000);
  });

  test('takes as deep a nesting as args can have', () => {
    const deep = '{"a":'.repeat(1_000) + '1' + '}'.repeat(1_000);
    expect(canonicalJson(deep)).toBe(canonicalJson(deep.replace('1', '1.0')));
  });
});
