import { MessageReader, readText, type Message } from './message-reader.js';

/** A statement that a client had the server execute. */
export interface SentStatement {
  readonly sql: string;
  /** The name of the prepared statement; empty for a statement without a name, as for plain queries. */
  readonly name: string;
  /** Counts the connections of the spy, from 1 in the order in which they were opened. */
  readonly connection: number;
}

/** Takes note of what one connection executes, and how often it waits for the server. */
export class ConnectionRecord {
  readonly #client = new MessageReader('client');
  readonly #server = new MessageReader('server');
  /** The text of each prepared statement by its name, and the statement of each portal by its name. */
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  /** Requests the server has not yet said to be done with. */
  #unanswered = 0;
  #waiting = false;

  constructor(
    readonly connection: number,
    private readonly events: {
      readonly onStatement: (statement: SentStatement) => void;
      readonly onRoundTrip: () => void;
    },
  ) {}

  clientSends(chunk: Buffer): void {
    for (const message of this.#client.read(chunk)) {
      // Whatever is sent before the server is done with the rest travels along: no further trip.
      if (!this.#waiting && isRequest(message)) {
        this.#waiting = true;
        this.events.onRoundTrip();
      }
      this.#note(message);
    }
  }

  serverSends(chunk: Buffer): void {
    for (const { type } of this.#server.read(chunk)) {
      if (type === 'Z') this.#unanswered = Math.max(0, this.#unanswered - 1);
      // At "copy in" and "portal suspended" it is the client's turn, in the middle of a request.
      if ((type === 'Z' && this.#unanswered === 0) || type === 'G' || type === 's')
        this.#waiting = false;
    }
  }

  #note({ type, body }: Message): void {
    switch (type) {
      case 'Q':
        this.#unanswered += 1;
        return this.#executed('', readText(body, 0).text);
      case 'P': {
        const name = readText(body, 0);
        this.#prepared.set(name.text, readText(body, name.end).text);
        return;
      }
      case 'B': {
        const portal = readText(body, 0);
        this.#portals.set(portal.text, readText(body, portal.end).text);
        return;
      }
      case 'E': {
        const name = this.#portals.get(readText(body, 0).text) ?? '';
        return this.#executed(name, this.#prepared.get(name) ?? '');
      }
      case 'S':
        this.#unanswered += 1;
    }
  }

  #executed(name: string, sql: string): void {
    this.events.onStatement({ sql, name, connection: this.connection });
  }
}

/** The start-up packet, the password and the farewell are no requests for work. */
function isRequest({ type }: Message): boolean {
  return !['', 'p', 'X'].includes(type);
}
