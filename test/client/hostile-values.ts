import { inspect } from 'node:util';
import { RiverError } from 'nestjs-river';

/** What hostile values say; no message may repeat it. */
const SECRET = 'hunter2';

const broken = (): never => {
  throw new TypeError(`broken: ${SECRET}`);
};
const revoked = <T extends object>(target: T): T => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const nested = (levels: number, wrap: (inner: unknown) => object): unknown => {
  let value: unknown = SECRET;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
};
const withProperty = (key: PropertyKey, descriptor: PropertyDescriptor, of: object = {}): object =>
  Object.defineProperty(of, key, { enumerable: true, configurable: true, ...descriptor });
/** An object each of whose usual properties throws when it is read. */
const throwingGetters = (): object =>
  'kind id toJSON insertOpts then constructor name length args opts priority signal isolation schema'
    .split(' ')
    .reduce((object, key) => withProperty(key, { get: broken }, object), {});
/** A proxy of which one trap throws. */
const trapped = (trap: keyof ProxyHandler<object>, target: object = {}): object =>
  new Proxy(target, { [trap]: broken });
const dateWith = (getTime: () => unknown): Date =>
  withProperty('getTime', { value: getTime }, new Date(0)) as Date;

/** Values that are not what any parameter expects; each is made anew, since some can be used once. */
export const HOSTILE: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  NaN: () => Number.NaN,
  'minus zero': () => -0,
  'a huge number': () => 1e308,
  'a fraction': () => 0.5,
  'a bigint': () => 2n ** 70n,
  'a string with NUL': () => 'text\0',
  'half a surrogate pair': () => 'text\ud800',
  'a long string': () => 'x'.repeat(1_000_000),
  'a symbol': () => Symbol(SECRET),
  'a function': () => broken,
  'a class': () => class Secret {},
  'a revoked proxy': () => revoked({}),
  'a revoked proxy of an array': () => revoked([]),
  'a revoked proxy of a function': () => revoked(() => undefined),
  'a proxy that throws on get': () => trapped('get'),
  'a proxy that throws on has': () => trapped('has'),
  'a proxy that throws on ownKeys': () => trapped('ownKeys'),
  'a proxy that throws on getPrototypeOf': () => trapped('getPrototypeOf'),
  'a proxy that throws on getOwnPropertyDescriptor': () =>
    trapped('getOwnPropertyDescriptor', { secret: SECRET }),
  'a proxy of an array that throws on get': () => trapped('get', [SECRET]),
  'throwing getters': throwingGetters,
  'a toJSON that throws': () => ({ kind: 'hostile', toJSON: broken }),
  'a toJSON that throws a revoked proxy': () => ({
    kind: 'hostile',
    toJSON: () => {
      throw revoked(new Error(SECRET));
    },
  }),
  'a toJSON that returns a function': () => ({ kind: 'hostile', toJSON: () => broken }),
  'an insertOpts that throws': () => ({ kind: 'hostile', insertOpts: broken }),
  'an object that cannot be made a primitive': () => ({
    [Symbol.toPrimitive]: broken,
    toString: broken,
    valueOf: broken,
  }),
  'an object without a prototype': () => Object.setPrototypeOf({ secret: SECRET }, null) as object,
  'a Date whose getTime lies': () => dateWith(() => SECRET),
  'a Date whose getTime returns Infinity': () => dateWith(() => Number.POSITIVE_INFINITY),
  'a Date whose getTime throws': () => dateWith(broken),
  'an invalid Date': () => new Date(Number.NaN),
  'an object that inherits from a Date': () => Object.create(new Date(0)) as object,
  'an object that inherits from AbortSignal': () => Object.create(AbortSignal.prototype) as object,
  'a circular object': () => {
    const circular: Record<string, unknown> = { kind: 'hostile', secret: SECRET };
    circular['itself'] = circular;
    return circular;
  },
  'an object of 20,000 levels': () => nested(20_000, (inner) => ({ kind: 'hostile', inner })),
  'an array of 20,000 levels': () => nested(20_000, (inner) => [inner]),
  'toJSON without end': () => {
    const endless = (): object => ({ kind: 'hostile', inner: { toJSON: endless } });
    return endless();
  },
  'an array with the largest length': () => new Array<unknown>(2 ** 32 - 1),
  'an array whose element throws': () => withProperty(0, { get: broken }, [1, 2]),
  'an array whose iterator throws': () =>
    withProperty(Symbol.iterator, { value: broken, enumerable: false }, [SECRET]),
  'an array with a method of its own': () =>
    withProperty('map', { value: broken, enumerable: false }, [SECRET]),
  'an array of a symbol': () => [Symbol(SECRET)],
  'a Map': () => new Map([[SECRET, SECRET]]),
  'a Set': () => new Set([SECRET]),
  'a WeakMap': () => new WeakMap(),
  'a Promise': () => Promise.resolve(SECRET),
  'a thenable that throws': () => withProperty('then', { get: broken }),
  'a RegExp': () => /hunter2/,
  'an Error': () => new Error(SECRET),
  'a typed array': () => new Uint8Array(8),
  'a boxed number that throws': () =>
    withProperty('valueOf', { value: broken, enumerable: false }, Object(1) as object),
  'a generator that throws': () =>
    (function* (): Generator<object> {
      yield { kind: 'hostile' };
      broken();
    })(),
  'an async generator that throws': () =>
    (async function* (): AsyncGenerator<object> {
      yield { kind: 'hostile' };
      broken();
    })(),
  'an iterator whose result throws': () => ({
    [Symbol.iterator]: () => ({ next: () => trapped('get') }),
  }),
  'an iterator that is not one': () => ({ [Symbol.iterator]: () => SECRET }),
};

/** A place where a caller can put a value; what it returns or throws is the outcome. */
export type Place = (value: never) => unknown;

/**
 * Puts a value in a place.
 *
 * @returns why the outcome is neither success nor a RiverError without values; undefined when it is
 */
async function fault(place: Place, value: unknown): Promise<string | undefined> {
  let error: unknown;
  try {
    await place(value as never);
    return undefined;
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof RiverError)) return `threw ${inspect(error, { depth: 1 }).slice(0, 800)}`;
  if (!/^RIVER_/.test(error.code)) return 'has no code';
  if (error.field === undefined && /INVALID|ARGS/.test(error.code)) {
    return `names no field: ${error.code} ${error.message}`;
  }
  const { message, field = '' } = error;
  if (`${message}${field}`.includes(SECRET)) return `repeats the value: ${message.slice(0, 200)}`;
  if (JSON.stringify(error) === undefined) return 'cannot be printed as JSON';
  return undefined;
}

/** The faults of a place with all hostile values, as `value: fault`. */
export async function faults(place: Place): Promise<string[]> {
  const found: string[] = [];
  for (const [name, make] of Object.entries(HOSTILE)) {
    const why = await fault(place, make());
    if (why !== undefined) found.push(`${name}: ${why}`);
  }
  return found;
}

/** Whether a value survives the `await` of whoever passes it on. */
export function canBeAwaited(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null)?.then !== 'function';
  } catch {
    return false;
  }
}

/** One place for each of these properties of an object. */
export function places(
  what: string,
  names: readonly string[],
  put: (params: never) => unknown,
): Record<string, Place> {
  return Object.fromEntries(
    names.map((name) => [`${what}.${name}`, (value: unknown) => put({ [name]: value } as never)]),
  );
}
