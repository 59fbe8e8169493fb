import { types } from 'node:util';

/**
 * The milliseconds since 1970 that a Date holds, whatever its own methods return; NaN when the value
 * is not a Date, or an invalid one.
 */
export function timeOf(value: unknown): number {
  return types.isDate(value) ? Date.prototype.getTime.call(value) : Number.NaN;
}
