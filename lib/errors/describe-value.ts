import { nameText } from './name-text.js';
/**
 * The kind of a value for an error message, never its content: messages end up in logs, and args
 * may hold what must not.
 */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return `a string of ${value.length} characters`;
    case 'number':
      return Number.isInteger(value)
        ? `the number ${value}`
        : Number.isFinite(value)
          ? 'a fraction'
          : `${value}`;
    case 'object':
      return isArray(value) ? 'an array' : `an object (${className(value)})`;
    case 'undefined':
      return 'undefined';
    default:
      return `a ${typeof value}`;
  }
}

/** Name of an object's class; guarded, since a proxy or a getter may throw. */
export function className(value: object): string {
  try {
    const constructor: unknown = value.constructor;
    const name: unknown = typeof constructor === 'function' ? constructor.name : undefined;
    return typeof name === 'string' && name !== '' ? nameText(name) : 'Object';
  } catch {
    return 'Object';
  }
}

/** `Array.isArray`, which throws for a revoked proxy. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
