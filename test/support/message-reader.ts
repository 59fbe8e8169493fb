/** One message of Postgres' protocol: its type (`Q`, `P`, `Z`, ...) and what follows the length. */
export interface Message {
  readonly type: string;
  readonly body: Buffer;
}

const LENGTH_BYTES = 4;

/**
 * Cuts one direction of a connection into messages. The chunks of a socket know nothing of the
 * borders between messages, so what is incomplete waits for the next chunk.
 *
 * A client's first message, the start-up packet, is the only one without a type. It is given the
 * empty type.
 */
export class MessageReader {
  #pending = Buffer.alloc(0);
  #untyped: boolean;

  constructor(from: 'client' | 'server') {
    this.#untyped = from === 'client';
  }

  read(chunk: Buffer): Message[] {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const messages: Message[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next())
      messages.push(message);
    return messages;
  }

  #next(): Message | undefined {
    const typeBytes = this.#untyped ? 0 : 1;
    if (this.#pending.length < typeBytes + LENGTH_BYTES) return undefined;
    const end = typeBytes + this.#pending.readUInt32BE(typeBytes);
    if (this.#pending.length < end) return undefined;
    const type = this.#pending.toString('latin1', 0, typeBytes);
    const body = this.#pending.subarray(typeBytes + LENGTH_BYTES, end);
    this.#pending = this.#pending.subarray(end);
    this.#untyped = false;
    return { type, body };
  }
}

/** Reads the text at `start` up to its closing zero byte. */
export function readText(
  body: Buffer,
  start: number,
): { readonly text: string; readonly end: number } {
  const zero = body.indexOf(0, start);
  return { text: body.toString('utf8', start, zero), end: zero + 1 };
}
