import { InvalidJobError } from '../errors/invalid-job-error.js';

// Symbol.for, so that a class decorated by another installed copy of this package is understood.
const UNIQUE_ARGS = Symbol.for('nestjs-river.UniqueArg');

/** A property marked by `@UniqueArg`; its own class tells whether only some of it counts. */
interface UniqueArgProperty {
  readonly key: string;
  readonly type: () => unknown;
}

export function addUniqueArg(prototype: object, property: UniqueArgProperty): void {
  const value = [...ownUniqueArgs(prototype), property];
  Object.defineProperty(prototype, UNIQUE_ARGS, { value, configurable: true });
}

function ownUniqueArgs(prototype: object): readonly UniqueArgProperty[] {
  const own: unknown = Object.getOwnPropertyDescriptor(prototype, UNIQUE_ARGS)?.value;
  return (own ?? []) as UniqueArgProperty[];
}

/** The marked properties of a class, those of its parent classes first. */
function uniqueArgs(prototype: unknown): readonly UniqueArgProperty[] {
  if (typeof prototype !== 'object' || prototype === null) return [];
  return [...uniqueArgs(Object.getPrototypeOf(prototype)), ...ownUniqueArgs(prototype)];
}

/**
 * The paths that `@UniqueArg` selects in args. A marked object counts whole, unless its class has
 * marked properties itself: then only those. As in River's Go client, a class that was seen on the
 * way already is not looked into again.
 *
 * @returns lists of literal keys; none when nothing is marked
 */
export function uniqueArgPaths(args: object): readonly string[][] {
  const prototype = Object.getPrototypeOf(args) as object | null;
  // Nearly no class has any, and each job asks.
  if (prototype === null || !(UNIQUE_ARGS in prototype)) return NONE;
  return pathsIn(prototype, args, new Set());
}

const NONE: readonly string[][] = [];

function pathsIn(prototype: unknown, value: unknown, seen: Set<unknown>): string[][] {
  if (seen.has(prototype)) return [];
  seen.add(prototype);
  return uniqueArgs(prototype).flatMap(({ key, type }) => {
    const member: unknown = (value as Record<string, unknown> | undefined)?.[key];
    const nested = prototypeOf(type());
    if (nested === undefined && uniqueArgs(prototypeAt(member)).length > 0) throw unknownClass(key);
    const inner = pathsIn(nested, member, seen);
    return inner.length > 0 ? inner.map((path) => [key, ...path]) : [[key]];
  });
}

/** Of the class that is named or emitted; TypeScript emits `Object` for inferred types and unions. */
function prototypeOf(type: unknown): unknown {
  return typeof type === 'function' && type !== Object ? type.prototype : undefined;
}

function prototypeAt(member: unknown): unknown {
  return typeof member === 'object' && member !== null ? Object.getPrototypeOf(member) : undefined;
}

/** Going by the value would make the key depend on whether it is null, a literal or an instance. */
function unknownClass(key: string): InvalidJobError {
  return new InvalidJobError(
    `args.${key}: @UniqueArg() cannot tell the class of this property, since TypeScript emits none ` +
      'for an inferred type or a union. Name it: @UniqueArg(() => Customer).',
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: `args.${key}` },
  );
}
