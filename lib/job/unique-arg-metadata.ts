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
 * The paths that `@UniqueArg` selects in args of a class. A marked object counts whole, unless its
 * class has marked properties itself: then only those. As in River's Go client, a class that was
 * seen on the way already is not looked into again.
 *
 * @returns lists of literal keys; none when nothing is marked
 */
export function uniqueArgPaths(argsPrototype: unknown, seen = new Set<unknown>()): string[][] {
  if (seen.has(argsPrototype)) return [];
  seen.add(argsPrototype);
  return uniqueArgs(argsPrototype).flatMap(({ key, type }) => {
    const nested = type();
    const inner = typeof nested === 'function' ? uniqueArgPaths(nested.prototype, seen) : [];
    return inner.length > 0 ? inner.map((path) => [key, ...path]) : [[key]];
  });
}
