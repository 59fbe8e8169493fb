import fc from 'fast-check';
import { rawJson } from '../../../lib/insert/json/raw-json.js';

const thrower = (): never => {
  throw new Error('hostile');
};

/**
 * Makes a hostile value. The generator must not see the value itself: it looks into what it made, and
 * some of these throw then.
 */
export type Make<T = unknown> = () => T;

/** Any UTF-16 unit: lone surrogates, NUL, controls, and what SQL, JSON and arrays treat specially. */
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.integer({ min: 0xd800, max: 0xdfff }),
  fc.constantFrom(
    ...Array.from('\0\n\r\t\u0001\u001f\u007f\u0080\u2028\u2029\ufeff\uffff', (c) =>
      c.charCodeAt(0),
    ),
  ),
);
const units = fc.array(unit, { maxLength: 20 }).map((all) => String.fromCharCode(...all));
const SPECIAL = [
  '"',
  '\\',
  "'",
  '$1',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '%',
  '\\u0000',
  '--',
  ';',
  'NULL',
  '<',
  '>',
  '&',
];
const special = fc.array(fc.constantFrom(...SPECIAL), { maxLength: 8 }).map((all) => all.join(''));
const wholeUnicode = fc.string({ unit: 'binary', maxLength: 20 });
const words = fc.constantFrom(
  ...[
    '',
    'a',
    'kind',
    'insertOpts',
    'toJSON',
    '__proto__',
    'constructor',
    'length',
    'then',
    'bigint:5',
  ],
  ...[
    '0',
    '1',
    '10',
    '-0',
    '9007199254740993',
    '1234567890123456789',
    'true',
    'null',
    'é',
    '😀',
    '\ud83d',
  ],
);
const long = fc
  .record({
    part: fc.constantFrom('x', 'é', '😀', '"', '\\', '\\"', '\n', '<', '1234567890123456'),
    times: fc.nat(30_000),
  })
  .map(({ part, times }) => part.repeat(times));

/** Strings, of which about half can be stored. */
export const hostileString = fc.oneof(
  { weight: 30, arbitrary: wholeUnicode },
  { weight: 20, arbitrary: words },
  { weight: 15, arbitrary: special },
  { weight: 5, arbitrary: units },
  { weight: 1, arbitrary: long },
);

const hostileNumber: fc.Arbitrary<unknown> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 1e20, 1e-7, 5e-324, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 2 ** 64),
  fc.constantFrom(
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    Number.MIN_VALUE,
    1.7976931348623157e308,
    123456789012345.6,
  ),
);
const hostileBigint: fc.Arbitrary<unknown> = fc.oneof(
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  // Rarely, since Postgres takes milliseconds for it: the largest power of ten that it holds.
  fc.nat(200).map((n) => (n === 0 ? 10n ** 131_071n : BigInt(n))),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n), 10n ** 400n),
);

/** What is refused wherever it stands. Made anew each time, since some of it can be used up. */
const REFUSED: readonly Make[] = [
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => Symbol('hostile'),
  () => () => 1,
  () => class {},
  () => new Date(NaN),
  () => new Map([[1, 2]]),
  () => new Set([1]),
  () => new Proxy(new Map(), {}),
  () => new WeakMap(),
  () => new WeakSet(),
  () => /x/,
  () => new Error('hostile'),
  () => Promise.resolve(1),
  () => new Uint8Array(3),
  () => Buffer.from('x'),
  () => new ArrayBuffer(3),
  () => Object(Symbol('hostile')) as unknown,
  () => [undefined],
  () => new Array<unknown>(5),
  () => new Array<unknown>(2 ** 32 - 1),
  () => ({
    get a() {
      return thrower();
    },
  }),
  () => ({ toJSON: thrower }),
  () => ({ toJSON: () => Symbol('hostile') }),
  () =>
    new (class {
      toJSON(): unknown {
        return thrower();
      }
    })(),
  () => new Proxy({ a: 1 }, { get: thrower }),
  () => new Proxy({ a: 1 }, { ownKeys: thrower }),
  () => new Proxy({ a: 1 }, { getOwnPropertyDescriptor: thrower }),
  () => new Proxy([1], { get: thrower }),
  () => revoked({}),
  () => revoked([]),
  () => cyclic(),
  () => deep(1_002),
  () => deep(20_000),
  () => 10n ** 131_072n,
  () => -(10n ** 200_000n),
  () => new Proxy(rawJson('1'), { get: () => '}' }),
];

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function cyclic(): object {
  const value: Record<string, unknown> = { list: [] };
  (value['list'] as unknown[]).push({ value });
  return value;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

const made = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<Make<T>> =>
  values.map((value) => () => value);

const leaf: fc.Arbitrary<Make> = fc.oneof(
  { weight: 30, arbitrary: made(hostileString) },
  { weight: 15, arbitrary: made(hostileNumber) },
  { weight: 10, arbitrary: made(hostileBigint) },
  { weight: 10, arbitrary: made(fc.constantFrom(true, false, null)) },
  { weight: 3, arbitrary: made(fc.date({ noInvalidDate: true })) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<unknown>(1, -0, 'x', true, 5n)
      .map((value) => () => Object(value) as unknown),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 990 }).map((levels) => () => deep(levels)) },
  { weight: 3, arbitrary: fc.json({ stringUnit: 'binary' }).map((text) => () => asRawJson(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...REFUSED) },
);

/** JSON text as rawJson; where that refuses it, the text itself. */
function asRawJson(text: string): unknown {
  try {
    return rawJson(text);
  } catch {
    return text;
  }
}

/** The same content, but mostly not as a plain object. */
const WRAPPINGS: readonly ((value: object) => unknown)[] = [
  (value) => value,
  (value) => value,
  (value) => new Proxy(value, {}),
  (value) => Object.freeze(value),
  (value) => ({ toJSON: () => value }),
  (value) => Object.create({ toJSON: () => value }) as unknown,
  (value) => withGetters(Object.create(null) as object, value),
  (value) => withGetters({}, value),
  (value) => ({ once: value, twice: value }),
];

function withGetters(target: object, value: object): unknown {
  if (Array.isArray(value)) return value as unknown;
  for (const [key, member] of Object.entries(value)) {
    Object.defineProperty(target, key, { get: () => member as unknown, enumerable: true });
  }
  return target;
}

/** `__proto__` becomes an own property, as JSON.parse makes it. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): object {
  const target = {};
  for (const [key, value] of entries) {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return target;
}

const wrapped = (inner: fc.Arbitrary<Make<object>>): fc.Arbitrary<Make> =>
  fc.tuple(inner, fc.constantFrom(...WRAPPINGS)).map(
    ([make, wrap]) =>
      () =>
        wrap(make()),
  );

const { value, object } = fc.letrec<{ value: Make; object: Make<object> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: wrapped(tie('object')) },
    {
      weight: 1,
      arbitrary: wrapped(
        fc.array(tie('value'), { maxLength: 6 }).map((makes) => () => makes.map((make) => make())),
      ),
    },
  ),
  object: fc
    .array(
      fc.tuple(
        hostileString,
        fc.oneof(
          { weight: 9, arbitrary: tie('value') },
          { weight: 1, arbitrary: fc.constant(() => undefined) },
        ),
      ),
      { maxLength: 6 },
    )
    .map((entries) => () => fromEntries(entries.map(([key, make]) => [key, make()] as const))),
}));

/** Anything at all. */
export const hostileAnything: fc.Arbitrary<Make> = value;
/** Objects that may hold anything, nested and wrapped in any way. */
export const hostileObject: fc.Arbitrary<Make<object>> = object;
