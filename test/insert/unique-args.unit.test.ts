import { describe, expect, test } from '@jest/globals';
import { rawJson } from '../../lib/insert/json/raw-json.js';
import { jobArgs } from '../../lib/job/job-args.js';
import { argsText } from './key-text.js';
import { refusalOf } from './refusal.js';

const all = (payload: object): string => argsText(jobArgs('sort', payload));
const selected = (payload: object, ...paths: (string | string[])[]): string =>
  argsText(jobArgs('sort', payload), paths);

describe('all args in a unique key', () => {
  test('are the JSON text itself where there is nothing to do', () => {
    expect(all({ strings: ['whale', 'tiger', 'bear'] })).toBe(
      '{"strings":["whale","tiger","bear"]}',
    );
    expect(all({})).toBe('{}');
  });

  test('have their top-level keys in the order of their UTF-8 bytes', () => {
    const keys = ['b', 'a', 'aa', 'B', '', '_', 'é', '\ue000', '😀', '\uffff', '10', '9', '1'];
    const payload = Object.fromEntries(keys.map((key) => [key, 0]));
    expect(all(payload)).toBe(
      '{"":0,"1":0,"10":0,"9":0,"B":0,"_":0,"a":0,"aa":0,"b":0,"é":0,"\ue000":0,"\uffff":0,"😀":0}',
    );
  });

  test('keep the order of nested keys', () => {
    expect(all({ z: { y: 1, x: { b: 1, a: 2 } }, a: [{ d: 1, c: 2 }] })).toBe(
      '{"a":[{"d":1,"c":2}],"z":{"y":1,"x":{"b":1,"a":2}}}',
    );
    expect(all(rawJson('{"n":{"2":0,"10":0,"1":0}}'))).toBe('{"n":{"2":0,"10":0,"1":0}}');
  });

  test('escape in values what Go escapes, and nothing else', () => {
    expect(all({ v: '<>&\u2028\u2029' })).toBe('{"v":"\\u003c\\u003e\\u0026\\u2028\\u2029"}');
    expect(all({ v: 'é😀\u007f\u0080\ufeff/' })).toBe('{"v":"é😀\u007f\u0080\ufeff/"}');
    expect(all({ v: '\b\t\n\f\r\u0000\u0001\u001f'.replace('\0', '') })).toBe(
      '{"v":"\\b\\t\\n\\f\\r\\u0001\\u001f"}',
    );
    expect(all({ v: '"\\' })).toBe('{"v":"\\"\\\\"}');
    expect(all({ v: { '<é>': ['&'] } })).toBe('{"v":{"\\u003cé\\u003e":["\\u0026"]}}');
  });

  test('take top-level keys verbatim if they are printable ASCII, else escape them', () => {
    expect(all({ '<k>': 1 })).toBe('{"<k>":1}');
    expect(all({ '<é>': 1 })).toBe('{"\\u003cé\\u003e":1}');
    expect(all({ 'a&b ~\u007f': 1 })).toBe('{"a&b ~\u007f":1}');
    expect(all({ '<"': 1 })).toBe('{"\\u003c\\"":1}');
    expect(all({ '<\\': 1 })).toBe('{"\\u003c\\\\":1}');
    expect(all({ '<\n': 1 })).toBe('{"\\u003c\\n":1}');
    expect(all({ '\u001f': 1, '\u2028': 2 })).toBe('{"\\u001f":1,"\\u2028":2}');
  });

  test('have numbers as JavaScript writes them, but -0 and integers beyond 2^53', () => {
    expect(all({ n: [1e21, 1e20, 1e-7, 0.1, -0, 2n ** 64n, 1.0] })).toBe(
      '{"n":[1e+21,100000000000000000000,1e-7,0.1,-0,18446744073709551616,1]}',
    );
  });

  test('have rawJson as it is written, with the escapes of Go', () => {
    const raw = rawJson('{ "b" : 1.0, "a" : "\\u00e9\\/<" , "c" : 1E2 }');
    expect(all(raw)).toBe('{"a":"\\u00e9\\/\\u003c","b":1.0,"c":1E2}');
  });

  test('have the first value of a key that raw text repeats', () => {
    expect(all(rawJson('{"b":1,"a":2,"b":3,"\\u0061":4}'))).toBe('{"a":2,"b":1}');
  });

  test('keep a __proto__ key', () => {
    expect(all(JSON.parse('{"b":1,"__proto__":{"a":1}}') as object)).toBe(
      '{"__proto__":{"a":1},"b":1}',
    );
  });

  test('are not confused by punctuation in strings', () => {
    expect(all({ b: '},{"a":[', 'a":1,': ':"' })).toBe('{"a\\":1,":":\\"","b":"},{\\"a\\":["}');
  });
});

describe('selected args in a unique key', () => {
  const order = {
    customer: { name: 'Ada', id: 'c1', address: { city: 'Metz', zip: '5' } },
    batch: 3,
    note: null,
  };

  test('are set in the order of their paths, nested as in the args', () => {
    expect(selected(order, 'customer.id', 'batch', 'customer.address.city')).toBe(
      '{"batch":3,"customer":{"address":{"city":"Metz"},"id":"c1"}}',
    );
  });

  test('leave out what is absent and keep an explicit null', () => {
    expect(selected(order, 'note', 'missing', 'customer.missing.x', 'batch.x')).toBe(
      '{"note":null}',
    );
    expect(selected(order, 'missing')).toBe('');
  });

  test('may be whole objects, with their own order', () => {
    expect(selected(order, 'customer')).toBe(
      '{"customer":{"name":"Ada","id":"c1","address":{"city":"Metz","zip":"5"}}}',
    );
  });

  test('take a literal key with a dot, and what looks like path syntax, as it is', () => {
    const payload = { 'a.b': { c: 1 }, a: { b: 2 }, '*': 3, '@x|y': 4, '#': 5 };
    expect(selected(payload, ['a.b', 'c'])).toBe('{"a.b":{"c":1}}');
    expect(selected(payload, 'a.b')).toBe('{"a":{"b":2}}');
    expect(selected(payload, '*', '@x|y', '#')).toBe('{"#":5,"*":3,"@x|y":4}');
  });

  test('find no keys that JavaScript objects have by themselves', () => {
    expect(selected({ a: 1 }, 'constructor', '__proto__', 'toString', 'a')).toBe('{"a":1}');
    expect(selected(JSON.parse('{"__proto__":{"x":1}}') as object, '__proto__.x')).toBe(
      '{"__proto__":{"x":1}}',
    );
  });

  test('name each path once, and a path within another adds nothing', () => {
    expect(selected(order, 'batch', 'batch')).toBe('{"batch":3}');
    expect(selected(order, 'customer.id', 'customer.id', ['customer', 'id'])).toBe(
      '{"customer":{"id":"c1"}}',
    );
  });

  test('make an array where the first key consists of digits', () => {
    expect(selected({ 0: 'v' }, '0')).toBe('["v"]');
    expect(selected({ 2: 'v' }, '2')).toBe('[null,null,"v"]');
  });

  test('refuse a key of letters after such an array has begun', () => {
    expect(refusalOf(() => selected({ 0: 'v', a: 1 }, '0', 'a'))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'uniqueOpts.byArgs',
    });
    expect(refusalOf(() => selected({ 99999999999: 'v' }, '99999999999'))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
    });
  });

  test('are escaped as all args are', () => {
    expect(selected({ a: { '<é>': '<' }, '<': 1 }, 'a', '<')).toBe(
      '{"<":1,"a":{"\\u003cé\\u003e":"\\u003c"}}',
    );
  });
});

test('the texts of megabytes take linear time', () => {
  const begin = process.cpuUsage();
  const text = '<\\"'.repeat(300_000);
  const payload = { b: text, a: Array.from({ length: 100_000 }, (_, n) => ({ n })) };
  expect(all(payload)).toHaveLength(JSON.stringify(payload).length + 5 * 300_000);
  expect(selected(payload, 'b')).toContain('\\u003c');
  expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(10_000);
});
