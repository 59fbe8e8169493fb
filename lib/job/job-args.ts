import type { JobArgsProtocol } from './job-args-protocol.js';

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
