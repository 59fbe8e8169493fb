import { FACTS_VERSION, requireFactsVersion } from './facts-version.js';

// Symbol.for, so that a class decorated by another installed copy of this package is understood.
const UNIQUE_ARGS = Symbol.for('nestjs-river.UniqueArg');
const MARKED_NAMES = Symbol.for('nestjs-river.UniqueArg.names');

/** A property marked by `@UniqueArg`; its own class tells whether only some of it counts. */
export interface UniqueArgProperty {
  readonly key: string;
  /** The class that is named or emitted; undefined when the compiler emits none. */
  readonly type: () => unknown;
  /** The class was given to the decorator. */
  readonly isNamed?: boolean;
}

interface OwnUniqueArgs {
  readonly version: number;
  readonly properties: readonly UniqueArgProperty[];
}

export function addUniqueArg(prototype: object, property: UniqueArgProperty): void {
  const properties = [...ownUniqueArgs(prototype), property];
  const value: OwnUniqueArgs = { version: FACTS_VERSION, properties };
  Object.defineProperty(prototype, UNIQUE_ARGS, { value, configurable: true });
  markedNames().add(property.key);
}

function ownUniqueArgs(prototype: object): readonly UniqueArgProperty[] {
  const own = Object.getOwnPropertyDescriptor(prototype, UNIQUE_ARGS)?.value as
    OwnUniqueArgs | undefined;
  if (own === undefined) return [];
  requireFactsVersion(own.version, (prototype.constructor as { name?: unknown } | undefined)?.name);
  return own.properties;
}

/** The marked properties of a class, those of its parent classes first. */
export function uniqueArgs(prototype: unknown): readonly UniqueArgProperty[] {
  if (!hasUniqueArgs(prototype)) return [];
  return [...uniqueArgs(Object.getPrototypeOf(prototype)), ...ownUniqueArgs(prototype)];
}

export function hasUniqueArgs(prototype: unknown): prototype is object {
  return typeof prototype === 'object' && prototype !== null && UNIQUE_ARGS in prototype;
}

/** The names of all properties that are marked in any class: to reject by, never to select by. */
export function markedNames(): Set<string> {
  const shared = globalThis as { [MARKED_NAMES]?: Set<string> };
  return (shared[MARKED_NAMES] ??= new Set());
}
