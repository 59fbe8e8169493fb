import 'reflect-metadata';
import { InvalidJobError } from '../../errors/invalid-errors.js';
import { refusal } from '../../errors/checks.js';
import { nameText } from '../../errors/name-text.js';
import { hasUniqueArgs, markedNames, uniqueArgs } from '../../job/unique-arg-metadata.js';

const refused = refusal(InvalidJobError, 'RIVER_INVALID_UNIQUE_OPTS');

/** Where a check is: the path in the args, and the classes of the objects above. */
interface Place {
  readonly path: readonly string[];
  readonly above: readonly unknown[];
}

/**
 * Checks that no mark is hidden: River's Go client selects a tagged field inside a struct whose own
 * field has no tag, and helpers such as `PickType` drop the marks of the class that they copy.
 *
 * @param prototype of the class that describes the value
 * @throws InvalidJobError when `@UniqueArg` is missing on a property
 */
export function checkUnmarked(value: object, prototype: unknown, place: Place): void {
  const marked = new Map(uniqueArgs(prototype).map((property) => [property.key, property]));
  // Object literals have one class in common, which is no class to River.
  const above = prototype === Object.prototype ? place.above : [...place.above, prototype];
  const members: [string, unknown][] = Object.entries(encodedForm(value) ?? {});
  for (const [key, member] of members) {
    const path = [...place.path, key];
    const mark = marked.get(key);
    const type = mark === undefined ? emittedType(prototype, key) : mark.type();
    const described = prototypeOf(type) ?? prototypeAt(member);
    if (mark === undefined) {
      if (hasUniqueArgs(described) && !above.includes(described)) throw unmarked(path);
      if (markedNames().has(key) && isMappedType(prototype)) throw notCarriedOver(path);
    }
    const countsWhole = mark?.isNamed === true && type === Object;
    if (countsWhole || above.includes(described)) continue;
    if (typeof member === 'object' && member !== null && !Array.isArray(member)) {
      checkUnmarked(member, described, { path, above });
    }
  }
}

/** The object that JSON writes in the place of the value; undefined when that is not an object. */
function encodedForm(value: object): object | undefined {
  const toJSON: unknown = (value as { toJSON?: unknown }).toJSON;
  const form: unknown = typeof toJSON === 'function' ? toJSON.call(value, '') : value;
  return typeof form === 'object' && form !== null && !Array.isArray(form) ? form : undefined;
}

/** There is one where another decorator is on the property. */
function emittedType(prototype: unknown, key: string): unknown {
  return typeof prototype === 'object' && prototype !== null
    ? (Reflect.getMetadata('design:type', prototype, key) as unknown)
    : undefined;
}

/** Of a class that is named or emitted, unless that says nothing. */
export function prototypeOf(type: unknown): unknown {
  return typeof type === 'function' && type !== Object && type !== Function
    ? type.prototype
    : undefined;
}

export function prototypeAt(member: unknown): unknown {
  return typeof member === 'object' && member !== null ? Object.getPrototypeOf(member) : undefined;
}

/**
 * Whether a class comes from `PickType` or one of its kin: nothing but their code distinguishes
 * their classes, which call the same helper in each of Nest's packages.
 */
function isMappedType(prototype: unknown): boolean {
  if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype)
    return false;
  const code = Function.prototype.toString.call(prototype.constructor);
  return (
    /\binheritPropertyInitializers\b/.test(code) || isMappedType(Object.getPrototypeOf(prototype))
  );
}

function unmarked(path: readonly string[]): InvalidJobError {
  return refused(
    nameText(path.join('.')),
    'its class has properties marked by @UniqueArg(), but the property itself is not marked. ' +
      "River's Go client would compare them. Mark the property as well, or name the paths in byArgs",
  );
}

function notCarriedOver(path: readonly string[]): InvalidJobError {
  return refused(
    nameText(path.join('.')),
    'PickType, OmitType, PartialType and IntersectionType do not carry over @UniqueArg(), and a ' +
      'property of this name is marked in another class. Mark it again, or name the paths in byArgs',
  );
}
