import { InvalidJobError } from '../../errors/invalid-errors.js';
import { refusal } from '../../errors/checks.js';
import { nameText } from '../../errors/name-text.js';
import { RawJson } from '../json/raw-json.js';

const refused = refusal(InvalidJobError, 'RIVER_INVALID_UNIQUE_OPTS');

/**
 * Checks, when a class is declared, a property that its jobs are to be unique by. Methods and getters
 * are on the prototype, so JSON omits them; a `toJSON()` method may write the value of a getter.
 *
 * @throws InvalidJobError when the args of a job cannot contain the property
 */
export function checkWritable(prototype: object, key: string, field: string): void {
  const descriptor = inheritedDescriptor(prototype, key);
  if (descriptor === undefined) return;
  if (typeof descriptor.value === 'function') {
    throw refused(field, 'is a method, which JSON omits. Name a property');
  }
  const isAccessor = descriptor.get !== undefined || descriptor.set !== undefined;
  if (!isAccessor || typeof (prototype as { toJSON?: unknown }).toJSON === 'function') return;
  throw refused(
    field,
    'is a getter, which JSON omits. Make it a property, or write it in a toJSON() method of the class',
  );
}

function inheritedDescriptor(prototype: object, key: string): PropertyDescriptor | undefined {
  if (key in Object.prototype) return undefined;
  let at: object | null = prototype;
  while (at !== null && !Object.hasOwn(at, key)) at = Object.getPrototypeOf(at) as object | null;
  return at === null ? undefined : Object.getOwnPropertyDescriptor(at, key);
}

/**
 * Checks a selected path that the JSON of the args does not contain. A property that is not set is
 * left out of the key, as with Go's `omitempty`. One that is set must be in the JSON: otherwise jobs
 * that differ in it would have the same key, and be skipped.
 *
 * @throws InvalidJobError when the args have a value at the path
 */
export function checkAbsent(args: object, path: readonly string[]): void {
  const field = nameText(['args', ...path].join('.'));
  let found: boolean;
  try {
    found = hasValue(args, path);
  } catch (cause) {
    throw refused(field, 'is absent from the JSON of args, and reading it threw an error', cause);
  }
  if (!found) return;
  throw refused(
    field,
    'has a value, but the JSON of args does not contain it, so the unique key would ignore it. ' +
      'Name the property that JSON writes: a getter or method is omitted, and toJSON() may rename',
  );
}

function hasValue(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (value == null || (typeof value === 'object' && RawJson.is(value))) return false;
  if (key === undefined) return true;
  return hasValue(member(value, key), rest) || hasValue(member(encoded(value), key), rest);
}

function member(value: unknown, key: string): unknown {
  if (value == null) return undefined;
  const isOwn = Object.hasOwn(value, key);
  // What every object has (constructor, toString) is not a property of the args.
  return isOwn || !(key in Object.prototype) ? (value as Record<string, unknown>)[key] : undefined;
}

function encoded(value: object): unknown {
  const toJSON: unknown = (value as { toJSON?: unknown }).toJSON;
  return typeof toJSON === 'function' ? toJSON.call(value, '') : undefined;
}
