import { InvalidJobError, unreadable } from '../../errors/invalid-errors.js';
import { reading } from '../../errors/reading.js';
import { hasUniqueArgs, markedNames, uniqueArgs } from '../../job/unique-arg-metadata.js';
import type { UniqueArgProperty } from '../../job/unique-arg-metadata.js';
import { checkUnmarked, prototypeAt, prototypeOf } from './unmarked-args.js';

/**
 * The paths that `@UniqueArg` selects in args. A marked object counts whole, unless its class has
 * marked properties itself: then only those. As in River's Go client, a class that was seen on the
 * way already is not looked into again.
 *
 * @returns lists of literal keys; none when nothing is marked
 * @throws InvalidJobError when a mark cannot be seen that River's Go client would see
 */
export function markedPaths(args: object): readonly string[][] {
  if (markedNames().size === 0) return [];
  return reading(unreadable('args', 'RIVER_ARGS_NOT_JSON'), () => {
    const prototype = prototypeAt(args);
    checkUnmarked(args, prototype, { path: ['args'], above: [] });
    return pathsIn(prototype, args, new Set());
  });
}

function pathsIn(prototype: unknown, value: unknown, seen: Set<unknown>): string[][] {
  if (seen.has(prototype)) return [];
  seen.add(prototype);
  return uniqueArgs(prototype).flatMap((property) => {
    const { key } = property;
    const member: unknown = (value as Record<string, unknown> | undefined)?.[key];
    if (!isTypeKnown(property, member)) throw unknownClass(key);
    const inner = pathsIn(prototypeOf(property.type()), member, seen);
    return inner.length > 0 ? inner.map((path) => [key, ...path]) : [[key]];
  });
}

/**
 * TypeScript emits `Object` for inferred types and unions, and `Function` for types that are imported
 * as types only. Other compilers emit nothing; a literal may then stand for a class with marks.
 */
function isTypeKnown({ type, isNamed }: UniqueArgProperty, member: unknown): boolean {
  if (isNamed === true || prototypeOf(type()) !== undefined) return true;
  const prototype = prototypeAt(member);
  if (hasUniqueArgs(prototype)) return false;
  return type() !== undefined || prototype !== Object.prototype;
}

/** Going by the value would make the key depend on whether it is null, a literal or an instance. */
function unknownClass(key: string): InvalidJobError {
  return new InvalidJobError(
    `args.${key}: @UniqueArg() does not know the class of this property: TypeScript emits none for ` +
      'an inferred type or a union, and esbuild, tsx and Vitest emit none at all. Name it: ' +
      '@UniqueArg(() => Customer), or @UniqueArg(() => Object) to compare the whole object.',
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: `args.${key}` },
  );
}
