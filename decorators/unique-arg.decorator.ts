import 'reflect-metadata';
import { InvalidJobError } from '../lib/errors/invalid-errors.js';
import { checkWritable } from '../lib/insert/unique/unique-arg-presence.js';
import type { TopLevelKey } from '../lib/job/insert-options.js';
import { addUniqueArg } from '../lib/job/unique-arg-metadata.js';

type HasToJSON = { toJSON(...args: never[]): unknown };

/** Makes what JSON omits a compile error; `descriptor` is there for methods and accessors only. */
export type UniqueArgDecorator = <Class extends object>(
  target: Class,
  key: Class extends HasToJSON ? TopLevelKey<Class> : string,
  descriptor?: Class extends HasToJSON ? PropertyDescriptor : undefined,
) => void;

/**
 * Marks a property of args as one that `uniqueOpts: { byArgs: true }` compares; the others do not
 * count then. On a property that holds an object of a class with marked properties of its own, only
 * those count. The same as River's struct tag `river:"unique"` in Go.
 *
 * A method, a getter that no `toJSON()` of the class writes, and a property that the declared result
 * of `toJSON()` does not have are compile errors.
 *
 * @throws InvalidJobError at load, for static properties, for methods and for getters of a class without `toJSON()`
 * @param type the class of a nested object, where the compiler does not emit it: `() => Customer`, or
 *   `() => Object` for one that counts whole
 *
 * @example
 * @JobArgs('invoice', { uniqueOpts: { byArgs: true } })
 * class InvoiceArgs {
 *   @UniqueArg() customerId!: string;
 *   note?: string;
 * }
 */
export function UniqueArg(type?: () => unknown): UniqueArgDecorator {
  return (target, key) => {
    checkPlace(target, key);
    checkWritable(target, key, `@UniqueArg() ${key}`);
    const emitted: unknown = Reflect.getMetadata('design:type', target, key);
    addUniqueArg(target, { key, type: type ?? (() => emitted), isNamed: type !== undefined });
  };
}

/** Standard decorators have no target for a property, so that nothing could be found at an insert. */
function checkPlace(target: unknown, key: unknown): void {
  if (typeof target === 'object' && target !== null && typeof key === 'string') return;
  throw new InvalidJobError(
    '@UniqueArg(): must be on a property of the instances. Compile with "experimentalDecorators": ' +
      'true, also in the settings of esbuild, tsx or Vitest, and do not mark static properties.',
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: '@UniqueArg()' },
  );
}
