import { describeValue } from './describe-value.js';
import type { RiverErrorCode } from './error-code.js';
import { nameText } from './name-text.js';
import { isRefusal, reading } from './reading.js';
import type { RiverError, RiverErrorOptions } from './river-error.js';

/** Makes the error for a value that breaks a rule. */
export type Refuse = (field: string, rule: string, cause?: unknown) => RiverError;

/** Returns what a value means, `undefined` for nothing, or throws the error that `refuse` makes. */
export type Check<T> = (value: unknown, field: string, refuse: Refuse) => T;

/** A check for each member of an object. */
export type Checks<T extends object> = { readonly [Name in keyof T]-?: Check<T[Name]> };

/** The longest that a timer of Node and a timeout of Postgres can be set to. */
const MAX_MS = 2_147_483_647;

/** @param where precedes the name of the field in messages */
export function refusal<E extends RiverError>(
  Type: new (message: string, options: RiverErrorOptions) => E,
  code: RiverErrorCode,
  where = '',
) {
  return (field: string, rule: string, cause?: unknown): E =>
    new Type(`${where}${field}: ${rule}.`, { code, field, cause });
}

/** Runs a check whose errors are to be of another class, or to have another code. */
export function reportAs<T>(
  Type: new (message: string, options: RiverErrorOptions) => RiverError,
  code: RiverErrorCode,
  check: () => T,
): T {
  try {
    return check();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { message, field, cause } = error;
    throw new Type(message, { code, field, cause });
  }
}

/** A rule, and what was given instead. Never shows the value itself. */
export function got(rule: string, value: unknown): string {
  return `${rule}; got ${describeValue(value)}`;
}

export function must<T>(rule: string, holds: (value: unknown) => boolean): Check<T> {
  return (value, field, refuse) => {
    if (holds(value)) return value as T;
    throw refuse(field, got(rule, value));
  };
}

export const boolean = must<boolean>(
  'must be true or false',
  (value) => typeof value === 'boolean',
);
export const nonEmptyString = must<string>(
  'must be a non-empty string',
  (value) => typeof value === 'string' && value !== '',
);
export const signal = must<AbortSignal>('must be an AbortSignal', isAbortSignal);

export function callable<T>(what = 'a function'): Check<T> {
  return must(`must be ${what}`, (value) => typeof value === 'function');
}

/** A number that may be a fraction. */
export function number(min: number, max: number, what: string): Check<number> {
  const isInRange = (value: unknown): boolean =>
    typeof value === 'number' && value >= min && value <= max;
  return must(`must be ${what} from ${min} to ${max}`, isInRange);
}

export function integer(min: number, max: number, what = 'an integer'): Check<number> {
  const isInRange = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
  return must(`must be ${what} from ${min} to ${max}`, isInRange);
}

export function milliseconds(min = 0, max = MAX_MS): Check<number> {
  return integer(min, max, 'whole milliseconds');
}

export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  const names = values.map((value) => `'${value}'`);
  const last = names.pop() ?? '';
  return must(`must be ${names.join(', ')} or ${last}`, (value) => values.includes(value as T));
}

/** The option may also be this value: `false` to turn something off, `null` to clear it. */
export function or<const V, T>(alternative: V, check: Check<T>): Check<T | V> {
  return (value, field, refuse) =>
    value === alternative ? alternative : check(value, field, refuse);
}

export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  return (value, field, refuse) => {
    if (!Array.isArray(value)) throw refuse(field, got('must be an array', value));
    return Array.from(value as unknown[], (each, index) =>
      check(each, `${field}[${index}]`, refuse),
    );
  };
}

/** An object with no other members than those checked; its members are named `field.member`. */
export function object<T extends object>(checks: Checks<T>): Check<Partial<T>> {
  return (value, field, refuse) =>
    checkOptions(value, checks, { field, prefix: `${field}.`, refuse });
}

/**
 * Checks an object of options, in the order of `checks`. What is undefined is not given.
 *
 * @param as.prefix precedes the names of its members
 * @returns a frozen copy, so that what was checked is what holds
 */
export function checkOptions<T extends object>(
  options: unknown,
  checks: Checks<T>,
  { refuse, field = 'options', prefix = '' }: { refuse: Refuse; field?: string; prefix?: string },
): Partial<T> {
  const names = Object.keys(checks) as (keyof T & string)[];
  const given = reading(refuse.bind(undefined, field), () => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      throw refuse(field, got('must be an object', options));
    }
    const stray = Object.keys(options).find((name) => !Object.hasOwn(checks, name));
    if (stray !== undefined) {
      const rule = `there is no such option. The options are ${names.join(', ')}`;
      throw refuse(`${prefix}${nameText(stray)}`, rule);
    }
    // Read by name: accessors of a class count as well.
    return names.map((name) => (options as T)[name]);
  });
  const checked: Partial<T> = {};
  for (const [index, name] of names.entries()) {
    if (given[index] === undefined) continue;
    const at = `${prefix}${name}`;
    const check = (): T[typeof name] => checks[name](given[index], at, refuse);
    const value = reading(refuse.bind(undefined, at), check);
    if (value !== undefined) checked[name] = value;
  }
  return Object.freeze(checked);
}

/** Whether a value is a usable signal: proxies of one, and what inherits from it, only look like one. */
function isAbortSignal(value: unknown): value is AbortSignal {
  try {
    return value instanceof AbortSignal && typeof value.aborted === 'boolean';
  } catch {
    return false;
  }
}
