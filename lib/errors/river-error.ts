import { concealed, isError } from './conceal.js';
import type { RiverErrorCode } from './error-code.js';

const BRAND = Symbol.for('nestjs-river.RiverError');

/**
 * What a call that failed may have stored: `not-stored` is certain, and nothing of it can become stored
 * later; `unknown` says that it may be stored.
 */
export type RiverErrorOutcome = 'not-stored' | 'unknown';

/** What every {@link RiverError} carries beside its message. */
export interface RiverErrorOptions {
  readonly code: RiverErrorCode;
  /** The name of the offending option, argument or value: `priority`, `args.customer.id`. */
  readonly field?: string | undefined;
  /** Position in the list given to `insertMany`, from 0. */
  readonly index?: number | undefined;
  /** Default `not-stored`. */
  readonly outcome?: RiverErrorOutcome | undefined;
  readonly cause?: unknown;
}

/**
 * Base of all errors that this package throws. Switch on {@link code}, which is stable; the message
 * is for people and says what to do. Messages never hold SQL text, values of args, or credentials. What
 * may hold them in a cause, and the rows of jobs, are there for code and are not printed.
 */
export class RiverError extends Error {
  readonly code: RiverErrorCode;
  /** The name of the offending option, argument or value, where there is one. */
  readonly field: string | undefined;
  /** Position of the refused job in the list given to `insertMany`, from 0. */
  readonly index: number | undefined;
  /**
   * Whether the call that failed may have stored (or changed, or deleted) something. In a transaction
   * that has not ended, `not-stored` includes that it cannot be committed any more.
   */
  readonly outcome: RiverErrorOutcome;
  /**
   * Whether the same call may succeed when it is made again (in a new transaction). Only where
   * {@link outcome} is `not-stored`, so that a retry never stores anything twice.
   */
  readonly retryable: boolean = false;

  constructor(message: string, options: RiverErrorOptions) {
    const { cause } = options;
    const shown = RiverError.is(cause) ? cause : concealed(cause);
    super(message, shown === undefined ? undefined : { cause: shown });
    this.name = new.target.name;
    this.code = options.code;
    this.field = options.field;
    this.index = options.index;
    this.outcome = options.outcome ?? 'not-stored';
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** What it says, for JSON: never a value of a job. */
  toJSON(): Record<string, unknown> {
    const { name, message } = this;
    return { name, message, ...withoutBigints(this), cause: causeToJSON(this.cause) };
  }

  /**
   * An error of another installed copy of this package is an instance of the classes here that have the
   * names of its own classes.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (isInstance(this, value)) return true;
    return RiverError.is(value) && !isInstance(RiverError, value) && hasClass(value, this.name);
  }

  /** Whether a value is a RiverError, also one of another installed copy of this package. */
  static is(value: unknown): value is RiverError {
    try {
      return typeof value === 'object' && value !== null && BRAND in value;
    } catch {
      // A revoked proxy.
      return false;
    }
  }
}

/** `instanceof` as it is without `Symbol.hasInstance`. */
function isInstance(type: object, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(type, value);
}

function hasClass(error: RiverError, name: string): boolean {
  let prototype: unknown = Object.getPrototypeOf(error);
  while (typeof prototype === 'object' && prototype !== null) {
    if (prototype.constructor.name === name) return prototype !== Error.prototype;
    prototype = Object.getPrototypeOf(prototype);
  }
  return false;
}

function causeToJSON(cause: unknown): unknown {
  if (isError(cause)) {
    if (RiverError.is(cause)) return cause;
    return { name: cause.name, message: cause.message, ...withoutBigints(cause) };
  }
  return typeof cause === 'bigint' ? cause.toString() : cause;
}

function withoutBigints(error: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(error).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'bigint' ? value.toString() : value,
    ]),
  );
}
