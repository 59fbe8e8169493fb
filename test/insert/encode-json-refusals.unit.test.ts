import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { encodeJson } from '../../lib/insert/json/encode-json.js';
import { RawJson, rawJson } from '../../lib/insert/json/raw-json.js';
import { refusalOf } from './refusal.js';

const SECRET = 'hunter2';

const refusalFor = (value: unknown) => refusalOf(() => encodeJson(value, 'args'));

/** An object that leads to a value on a path with every kind of step. */
const around = (value: unknown): object => ({ a: { 'b c': [0, { d: value }] } });

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

describe('encodeJson refuses, with the path of the value,', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['NaN', () => NaN, /NaN, which JSON turns into null/],
    ['Infinity', () => Infinity, /Infinity/],
    ['-Infinity', () => -Infinity, /-Infinity/],
    ['a boxed NaN', () => Object(NaN) as unknown, /NaN/],
    ['a function', () => () => 1, /a function, which JSON leaves out/],
    ['a class', () => class {}, /a function/],
    ['a symbol', () => Symbol(SECRET), /a symbol/],
    ['a boxed symbol', () => Object(Symbol(SECRET)) as unknown, /a symbol/],
    ['an invalid date', () => new Date(NaN), /an invalid date/],
    [
      'an invalid date of another realm',
      () => runInNewContext('new Date(NaN)') as unknown,
      /an invalid date/,
    ],
    ['a Map', () => new Map([[SECRET, 1]]), /a Map.*Object\.fromEntries/],
    ['a Set', () => new Set([SECRET]), /a Set.*\[\.\.\.set\]/],
    ['a proxy of a Map', () => new Proxy(new Map(), {}), /a Map/],
    ['a proxy of a Set', () => new Proxy(new Set(), {}), /a Set/],
    ['a WeakMap', () => new WeakMap(), /weak/],
    ['a WeakSet', () => new WeakSet(), /weak/],
    ['a Promise', () => Promise.resolve(SECRET), /a Promise; await it/],
    ['a RegExp', () => /hunter2/, /a RegExp/],
    ['an Error', () => new TypeError(SECRET), /an Error/],
    ['a Buffer', () => Buffer.from(SECRET), /binary data \(Buffer\); .*base64/],
    ['a typed array', () => new Float64Array(2), /binary data \(Float64Array\)/],
    ['an ArrayBuffer', () => new ArrayBuffer(2), /binary data/],
    ['a SharedArrayBuffer', () => new SharedArrayBuffer(2), /binary data/],
    ['a DataView', () => new DataView(new ArrayBuffer(2)), /binary data/],
    ['NUL in a string', () => `${SECRET}\0`, /NUL character/],
    ['a lone high surrogate', () => `${SECRET}\ud800`, /surrogate/],
    ['a lone low surrogate', () => `\udc00${SECRET}`, /surrogate/],
    ['surrogates in the wrong order', () => '\udc00\ud800', /surrogate/],
    ['a boxed string with NUL', () => Object('\0') as unknown, /NUL/],
    [
      'a toJSON() that throws',
      () => ({
        toJSON() {
          throw new Error(SECRET);
        },
      }),
      /threw an error/,
    ],
    ['a toJSON() that answers a function', () => ({ toJSON: () => () => 1 }), /a function/],
    ['a toJSON() that answers a Map', () => ({ toJSON: () => new Map() }), /a Map/],
    [
      'a toJSON() that answers a Date',
      () => ({ toJSON: () => new Date(0) }),
      /a Date.*toISOString/,
    ],
    [
      'a Date without its prototype',
      () => Object.setPrototypeOf(new Date(0), null) as unknown,
      /a Date/,
    ],
    ['a proxy of a Date', () => new Proxy(new Date(0), {}), /threw an error/],
    ['a revoked proxy', () => revoked({}), /threw an error/],
    ['a revoked proxy of an array', () => revoked([]), /threw an error/],
    [
      'rawJson with another text put in',
      () => Object.create(rawJson('1'), { text: { value: '}' } }) as unknown,
      /rawJson/,
    ],
    [
      'rawJson made without its check',
      () => Object.create(RawJson.prototype) as unknown,
      /rawJson/,
    ],
    ['a proxy of rawJson', () => new Proxy(rawJson('1'), { get: () => '}' }), /rawJson/],
    [
      'a boxed number that answers itself',
      () => {
        const n = Object(1) as { valueOf: unknown };
        n.valueOf = () => n;
        return n;
      },
      /threw an error/,
    ],
  ])('%s', (_name, make, message) => {
    const refusal = refusalFor(around(make()));
    expect(refusal).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args.a["b c"][1].d' });
    expect(refusal.message).toMatch(/^args\.a\["b c"\]\[1\]\.d: /);
    expect(refusal.message).toMatch(message);
    expect(refusal.message).not.toContain(SECRET);
  });

  test('undefined in an array, as a toJSON() answer there, and in a hole', () => {
    expect(refusalFor([1, undefined])).toMatchObject({ field: 'args[1]' });
    expect(refusalFor([{ toJSON: () => undefined }])).toMatchObject({ field: 'args[0]' });
    expect(refusalFor({ a: [1, , 3] })).toMatchObject({ field: 'args.a[1]' });
    expect(refusalFor({ a: new Array(2 ** 32 - 1) })).toMatchObject({ field: 'args.a[0]' });
  });

  test('what is undefined as a whole', () => {
    expect(refusalFor(undefined)).toMatchObject({ field: 'args' });
    expect(refusalFor({ toJSON: () => undefined })).toMatchObject({ field: 'args' });
  });

  test('a getter that throws, keeping what it threw as the cause', () => {
    const cause = new Error(SECRET);
    const refusal = refusalFor({
      a: {
        get b() {
          throw cause;
        },
      },
    });
    expect(refusal).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args.a.b', cause });
    expect(refusal.message).not.toContain(SECRET);
  });

  test.each([
    [
      'get',
      {
        get: () => {
          throw new Error(SECRET);
        },
      },
      'args.a',
    ],
    [
      'ownKeys',
      {
        ownKeys: () => {
          throw new Error(SECRET);
        },
      },
      'args.a',
    ],
    [
      'getOwnPropertyDescriptor',
      {
        getOwnPropertyDescriptor: () => {
          throw new Error(SECRET);
        },
      },
      'args.a',
    ],
    [
      'getPrototypeOf',
      {
        getPrototypeOf: () => {
          throw new Error(SECRET);
        },
      },
      'args.a',
    ],
  ] satisfies [string, ProxyHandler<object>, string][])(
    'a proxy whose trap %s throws',
    (_trap, handler, field) => {
      expect(refusalFor({ a: new Proxy({ x: 1 }, handler) })).toMatchObject({ field });
    },
  );

  test('objects and arrays that contain themselves', () => {
    const object: Record<string, unknown> = { a: {} };
    object['a'] = { self: object };
    const array: unknown[] = [];
    array.push([array]);
    expect(refusalFor(object)).toMatchObject({ field: 'args.a.self' });
    expect(refusalFor(object).message).toMatch(/contains itself/);
    expect(refusalFor(array)).toMatchObject({ field: 'args[0][0]' });
  });

  test('a toJSON() that answers an object with itself in it', () => {
    const value: { toJSON: () => object } = { toJSON: () => ({ value }) };
    expect(refusalFor(value).message).toMatch(/nested deeper than 1000/);
  });

  test('more than 1,000 levels, however many more', () => {
    for (const levels of [1_001, 5_000, 200_000]) {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = [value];
      expect(refusalFor(value).message).toMatch(/nested deeper than 1000 levels/);
    }
  });

  test('more than 1,000 levels of values and rawJson together', () => {
    const list = (levels: number): unknown => rawJson('['.repeat(levels) + ']'.repeat(levels));
    expect(encodeJson({ a: [list(998)] }, 'args')).toHaveLength(2 * 999 + 6);
    expect(refusalFor({ a: [list(999)] })).toMatchObject({ field: 'args.a[0]' });
    expect(refusalFor({ a: list(1_000) }).message).toMatch(/nested deeper than 1000 levels/);
    expect(encodeJson(list(1_000), 'args')).toHaveLength(2_000);
  });

  test('keys that jsonb cannot hold', () => {
    expect(refusalFor({ a: { 'x\0': 1 } })).toMatchObject({ field: 'args.a["x\\u0000"]' });
    expect(refusalFor({ '\ud800': 1 })).toMatchObject({ field: 'args["\\ud800"]' });
    expect(encodeJson({ '\0': undefined }, 'args')).toBe('{}');
  });

  test('bigints of more digits than Postgres can hold, of either sign', () => {
    const limit = 10n ** 131_072n;
    expect(encodeJson(limit - 1n, 'args')).toHaveLength(131_072);
    expect(encodeJson(1n - limit, 'args')).toHaveLength(131_073);
    expect(refusalFor({ n: limit })).toMatchObject({ field: 'args.n' });
    expect(refusalFor({ n: -limit })).toMatchObject({ field: 'args.n' });
  });

  test('with the name of the root that was given', () => {
    expect(refusalOf(() => encodeJson({ a: NaN }, 'metadata'))).toMatchObject({
      field: 'metadata.a',
    });
  });
});

test('a class whose name is no text does not keep a refusal from being told', () => {
  class Odd extends Uint8Array {}
  Object.defineProperty(Odd, 'name', { value: Symbol('odd') });
  expect(refusalFor({ a: new Odd() })).toMatchObject({ field: 'args.a' });
  expect(refusalFor({ a: new Odd() }).message).toMatch(/binary data/);
});
