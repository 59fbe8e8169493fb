import { types } from 'node:util';

/** The most of an error's text that is stored. jsonb holds 256 MiB; nobody reads as much. */
const MAX_TEXT = 1_000_000;

/**
 * The classes whose errors say that the code is wrong, as a panic does in Go: River's JavaScript client
 * stores traces for exactly these.
 */
const FAULTS: readonly unknown[] = [
  TypeError,
  RangeError,
  ReferenceError,
  SyntaxError,
  EvalError,
  URIError,
].map(({ prototype }) => prototype);

/** Whether an error is of one of the classes that JavaScript itself throws, not of a subclass. */
export function isNativeFault(error: unknown): error is Error {
  return types.isNativeError(error) && FAULTS.includes(Object.getPrototypeOf(error));
}

/** The text of what an attempt threw, as River's clients store it: without the name of its class. */
export function errorText(error: unknown): string {
  try {
    // A message need not be a string.
    return String(error instanceof Error ? error.message || error.name : error);
  } catch {
    return 'the attempt threw a value that cannot be shown as text';
  }
}

/**
 * The element of `errors` for an attempt that failed, as JSON: `{ at, attempt, error, trace }`.
 *
 * @param at the start of the attempt
 * @param trace `''` but for faults, as in Go but for panics
 */
export function attemptError(
  { at, attempt }: { readonly at: Date; readonly attempt: number },
  text: string,
  trace = '',
): string {
  return JSON.stringify({ at, attempt, error: storable(text), trace: storable(trace) });
}

/** The lines of a fault's stack, without the first, which holds its text. */
export function faultTrace(error: unknown): string {
  if (!isNativeFault(error)) return '';
  const lines = String(error.stack).split('\n');
  return lines.filter((line) => line.startsWith('    at ')).join('\n');
}

/** What jsonb cannot hold, U+0000 and halves of surrogate pairs, becomes U+FFFD. */
function storable(text: string): string {
  return text.slice(0, MAX_TEXT).replaceAll('\0', '\uFFFD').toWellFormed();
}
