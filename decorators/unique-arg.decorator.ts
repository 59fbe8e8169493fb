import 'reflect-metadata';
import { addUniqueArg } from '../lib/job/unique-arg-metadata.js';

/**
 * Marks a property of args as one that `uniqueOpts: { byArgs: true }` compares; the others do not
 * count then. On a property that holds an object of a class with marked properties of its own, only
 * those count. The same as River's struct tag `river:"unique"` in Go.
 *
 * @param type the class of a nested object, where TypeScript does not emit it: `() => Customer`
 *
 * @example
 * @JobArgs('invoice', { uniqueOpts: { byArgs: true } })
 * class InvoiceArgs {
 *   @UniqueArg() customerId!: string;
 *   note?: string;
 * }
 */
export function UniqueArg(type?: () => unknown): (target: object, key: string) => void {
  return (target, key) => {
    const emitted: unknown = Reflect.getMetadata('design:type', target, key);
    addUniqueArg(target, { key, type: type ?? (() => emitted) });
  };
}
