import type { InsertOptions } from './insert-options.js';

const BRAND = Symbol.for('nestjs-river.PayloadArgs');

/** Args for a kind that has no class; made by {@link jobArgs}. */
export class PayloadArgs<Payload extends object> implements JobArgsProtocol {
  readonly kind: string;
  readonly #payload: Payload;

  constructor(kind: string, payload: Payload) {
    this.kind = kind;
    this.#payload = payload;
  }

  get [BRAND](): true {
    return true;
  }

  toJSON(): Payload {
    return this.#payload;
  }
}

/** Whether it was made by {@link jobArgs}, also by that of another installed copy of this package. */
export function isPayloadArgs(value: object): value is PayloadArgs<object> {
  return BRAND in value;
}

/**
 * Args for a kind without a class of its own.
 *
 * @example
 * await river.insert(jobArgs('sort', { strings: ['whale', 'tiger'] }));
 */
export function jobArgs<Payload extends object>(
  kind: string,
  payload: Payload,
): PayloadArgs<Payload> {
  return new PayloadArgs(kind, payload);
}

/**
 * The protocol that River's clients share: an object that says its own kind. What JSON makes of it,
 * without `kind` and `insertOpts`, are the job's args; `toJSON()`, where there is one, decides alone.
 */
export interface JobArgsProtocol {
  readonly kind: string;
  toJSON?(): unknown;
  insertOpts?(): InsertOptions;
}
