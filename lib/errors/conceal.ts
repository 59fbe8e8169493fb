import { types } from 'node:util';
import { describeValue } from './describe-value.js';

/** What errors of drivers and sockets say of the event; none of these quotes a value. */
const TELLING: ReadonlySet<string | symbol> = new Set(
  (
    'name code severity schema table column constraint dataType routine file line position length ' +
    'errno syscall address port hostname status'
  ).split(' '),
);

/** How far causes of causes are followed. */
const MAX_DEPTH = 20;

/**
 * Makes an error fit to be printed as a cause: what may hold values (`detail`, `where`, `parameters`,
 * and every property that is not known to hold none) is still there for code, but not enumerable, so
 * that no logger shows it. What is not an error is put behind one, under `value`.
 */
export function concealed(cause: unknown, depth = 0): unknown {
  if ((typeof cause !== 'object' && typeof cause !== 'function') || cause === null) return cause;
  try {
    if (isError(cause) && depth < MAX_DEPTH) {
      conceal(cause, depth);
      return cause;
    }
  } catch {
    // A frozen error, or one that throws when it is looked at.
  }
  return hiddenBehind(cause);
}

function conceal(error: Error, depth: number): void {
  for (const key of Reflect.ownKeys(error)) {
    const property = Object.getOwnPropertyDescriptor(error, key);
    if (!property?.enumerable || (TELLING.has(key) && isPrimitive(property.value))) continue;
    Object.defineProperty(error, key, { enumerable: false });
    if (isError(property.value)) concealed(property.value, depth + 1);
  }
  // Printed although they are not enumerable.
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const shown = concealed(cause, depth + 1);
  if (shown !== cause) hide(error, 'cause', shown);
  if (!Array.isArray(errors)) return;
  const all = errors.map((each: unknown) => concealed(each, depth + 1));
  if (all.some((each, index) => each !== errors[index])) hide(error, 'errors', all);
}

/** Also one of another realm, as Node's own errors are in tests of Jest. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' && typeof value !== 'function';
}

function hide(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: false,
    configurable: true,
    writable: true,
  });
}

/** Gives an error properties that code finds and loggers, copies and JSON do not. */
export function notPrinted(error: Error, properties: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(properties)) hide(error, key, value);
}

function hiddenBehind(value: object): Error {
  const error = new Error(`${describeValue(value)}, which is not shown; see value`);
  hide(error, 'value', value);
  return error;
}

/**
 * The same for an error of the driver about a statement of ours, whose message may quote values, too:
 * those of data that cannot be converted (class 22) do, and what functions and triggers raise may. The
 * server's words are then under `fullMessage`, which no logger shows.
 */
export function withoutValues(cause: unknown): unknown {
  try {
    if (!isError(cause) || Object.hasOwn(cause, 'fullMessage') || !mayQuote(cause)) {
      return cause;
    }
    const { message, stack } = cause;
    const shown =
      'the message of the server is not shown, since it may quote values; see fullMessage';
    hide(cause, 'fullMessage', message);
    hide(cause, 'message', shown);
    hide(
      cause,
      'stack',
      stack?.replace(message, () => shown),
    );
    return cause;
  } catch {
    return hiddenBehind(cause as object);
  }
}

function mayQuote({ code, where }: Error & { code?: unknown; where?: unknown }): boolean {
  if (typeof code === 'string' && /^(22|P0)...$/.test(code)) return true;
  // `PL/pgSQL function ...`; that of a COPY itself names the line.
  return typeof where === 'string' && !where.startsWith('COPY ');
}
