import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { encodeJson } from '../../lib/insert/json/encode-json.js';
import { rawJson } from '../../lib/insert/json/raw-json.js';
import { jobArgs } from '../../lib/job/job-args.js';

const encode = (value: unknown): string => encodeJson(value, 'args');

describe('encodeJson', () => {
  test.each([
    ['an empty object', {}],
    ['an empty array', []],
    ['nested objects and arrays', { a: [1, { b: [true, null, 'x'] }], c: { d: {} } }],
    ['fractions and exponents', [0.1, 1e21, 1e20, 1e-7, 5e-324, Number.MAX_VALUE]],
    ['the limits of safe integers', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
    ['control characters and quotes', '\b\t\n\f\r\u0001\u001f"\\/'],
    ['text of the whole of Unicode', 'é\u2028\u2029\ue000\ufffe\uffff😀𐀀<>&'],
    ['keys in the order in which JavaScript has them', { b: 1, a: 2, 10: 3, 9: 4 }],
    ['strange keys', { '': 1, ' ': 2, '"': 3, '\\': 4, '\n': 5, 'é.é': 6 }],
    ['keys of the prototype that are the own ones of an object', { constructor: 1, toString: 2 }],
    ['dates', [new Date(0), new Date(-1), new Date('2026-11-21T10:07:33.123Z')]],
    ['dates at the ends of what a Date holds', [new Date(8.64e15), new Date(-8.64e15)]],
    ['boxed primitives', [Object('x'), Object(5), Object(false)]],
    ['undefined properties, which are left out', { a: undefined, b: 1 }],
    ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['an object of another realm', runInNewContext('({ a: [1, { b: new Date(0) }] })') as object],
    [
      'a class with accessors, of which JSON sees none',
      new (class {
        own = 1;
        get got() {
          return 2;
        }
      })(),
    ],
    ['a property that is not enumerable', Object.defineProperty({ a: 1 }, 'b', { value: 2 })],
    ['a proxy that passes all through', new Proxy({ a: [1] }, {})],
    ['a proxy of an array', new Proxy([1, 2], {})],
    ['a URL, which has a toJSON()', new URL('https://example.com/a?b=c')],
  ])('writes %s as JSON.stringify does', (_name, value) => {
    expect(encode(value)).toBe(JSON.stringify(value));
  });

  test('writes a bigint as an integer of any size', () => {
    expect(encode({ a: 0n, b: -1n, c: 2n ** 64n, d: [10n ** 30n], e: Object(7n) as unknown })).toBe(
      '{"a":0,"b":-1,"c":18446744073709551616,"d":[1000000000000000000000000000000],"e":7}',
    );
  });

  test('keeps -0', () => {
    expect(encode([-0, 0, Object(-0)])).toBe('[-0,0,-0]');
  });

  test('takes rawJson as it stands', () => {
    expect(encode({ price: rawJson('12.50'), list: [rawJson(' { "a" : 1.0 } ')] })).toBe(
      '{"price":12.50,"list":[{"a":1.0}]}',
    );
    expect(encode(rawJson('{"whole":1e2}'))).toBe('{"whole":1e2}');
  });

  test('keeps a __proto__ key as the data that JSON.parse makes of it', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":null}}');
    expect(encode(value)).toBe('{"__proto__":{"a":1},"b":{"__proto__":null}}');
  });

  test('leaves out properties under symbols, as JSON does', () => {
    expect(encode({ [Symbol('hidden')]: 1, a: 2 })).toBe('{"a":2}');
  });

  test('takes an object that occurs twice without containing itself', () => {
    const shared = { x: 1 };
    expect(encode({ a: shared, b: [shared, shared] })).toBe('{"a":{"x":1},"b":[{"x":1},{"x":1}]}');
  });

  test('leaves out only top-level properties of the names given', () => {
    const value = { kind: 'sort', nested: { kind: 'kept' } };
    expect(encodeJson(value, 'args', ['kind'])).toBe('{"nested":{"kind":"kept"}}');
  });

  test('does not read what is left out', () => {
    const value = {
      get kind() {
        throw new Error('read');
      },
      a: 1,
    };
    expect(encodeJson(value, 'args', ['kind'])).toBe('{"a":1}');
  });

  test('reads each property once', () => {
    let reads = 0;
    expect(
      encode({
        get a() {
          return { n: ++reads };
        },
      }),
    ).toBe('{"a":{"n":1}}');
  });

  test('encodes 1,000 levels', () => {
    let value: unknown = {};
    for (let level = 1; level < 1_000; level++) value = level % 2 === 0 ? { value } : [value];
    expect(encode(value)).toBe(JSON.stringify(value));
  });

  test('encodes a string of megabytes', () => {
    const value = { text: 'a"\\é😀\n'.repeat(500_000) };
    expect(encode(value)).toBe(JSON.stringify(value));
  });
});

describe('toJSON', () => {
  class Money {
    constructor(readonly cents: number) {}
    toJSON(): unknown {
      return { eur: this.cents / 100 };
    }
  }

  test('of the prototype, of an own property, and of what is nested decides', () => {
    const own = { toJSON: () => [new Money(150)], ignored: () => 1 };
    expect(encode({ own, list: [new Money(1)] })).toBe(
      '{"own":[{"eur":1.5}],"list":[{"eur":0.01}]}',
    );
  });

  test('is given the key, as by JSON.stringify', () => {
    const keys: unknown[] = [];
    const spy = { toJSON: (key: unknown) => keys.push(key) };
    encode({ a: spy, list: [spy], nested: { b: spy } });
    encode(spy);
    expect(keys).toEqual(['a', '0', 'b', '']);
  });

  test('is not asked of its own answer', () => {
    const answer = { value: 1, toJSON: undefined as unknown };
    const value = { toJSON: () => ({ inner: new Money(100), again: 1 }) };
    expect(encode(value)).toBe('{"inner":{"eur":1},"again":1}');
    expect(encode({ toJSON: () => answer })).toBe('{"value":1}');
  });

  test('may answer a bigint, rawJson, or undefined for a property to leave out', () => {
    const value = {
      big: { toJSON: () => 2n ** 53n },
      raw: { toJSON: () => rawJson('1.0') },
      gone: { toJSON: () => undefined },
    };
    expect(encode(value)).toBe('{"big":9007199254740992,"raw":1.0}');
  });

  test('may encode something itself, and may fail at it', () => {
    const value = {
      a: { toJSON: () => encode({ b: [1, { c: 2 }] }) },
      d: { e: { toJSON: () => String(failure(() => encode({ f: [Number.NaN] }))) } },
      g: [3],
    };
    expect(JSON.parse(encode(value))).toEqual({
      a: '{"b":[1,{"c":2}]}',
      d: { e: expect.stringContaining('args.f[0]: the value is NaN') },
      g: [3],
    });
    expect(String(failure(() => encode({ h: { i: [undefined] } })))).toContain('args.h.i[0]:');
  });

  test('of the payload of jobArgs() is asked too', () => {
    expect(encode(jobArgs('pay', new Money(250)))).toBe('{"eur":2.5}');
  });

  test('on the prototype of all bigints, as some programs put it, changes nothing', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = () => 'text';
    try {
      expect(encode({ a: 1n })).toBe('{"a":1}');
    } finally {
      delete prototype.toJSON;
    }
  });
});

function failure(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    return error;
  }
}
