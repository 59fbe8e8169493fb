import type { Socket } from 'node:net';
import { DatabaseProxy } from '../support/database-proxy.js';
import type { TestDatabase } from '../support/index.js';
import { MessageReader, type Message } from '../support/message-reader.js';

const RENAMED = Buffer.from('POOLER_');
const KIND_OF_STATEMENT = Buffer.from('S');

/**
 * Does what poolers that keep track of named statements have in common, and nothing else: connections
 * are told of a process that does not exist, and statements have other names in the server's session.
 * Not every PgBouncer that a test may run on can do that.
 */
export class RenamingPooler extends DatabaseProxy {
  static open(target: TestDatabase): Promise<RenamingPooler> {
    return new RenamingPooler(target).listen();
  }

  protected pass(client: Socket, upstream: Socket): void {
    forward(client, upstream, new MessageReader('client'), renamed);
    forward(upstream, client, new MessageReader('server'), ofOtherProcess);
  }
}

function forward(
  from: Socket,
  to: Socket,
  reader: MessageReader,
  change: (message: Message) => Buffer,
): void {
  from.on('data', (chunk: Buffer) => {
    for (const message of reader.read(chunk)) to.write(packet(message.type, change(message)));
  });
  from.on('end', () => to.end());
}

function packet(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(type.length + 4);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

/** Parse begins with the name of the statement; Bind names its portal first; Describe says of which. */
function renamed({ type, body }: Message): Buffer {
  if (type === 'P') return renamedAt(body, 0);
  if (type === 'B') return renamedAt(body, body.indexOf(0) + 1);
  const isOfStatement = (type === 'D' || type === 'C') && body.indexOf(KIND_OF_STATEMENT) === 0;
  return isOfStatement ? renamedAt(body, 1) : body;
}

function renamedAt(body: Buffer, start: number): Buffer {
  if (body[start] === 0) return body;
  return Buffer.concat([body.subarray(0, start), RENAMED, body.subarray(start)]);
}

function ofOtherProcess({ type, body }: Message): Buffer {
  if (type !== 'K') return body;
  const changed = Buffer.from(body);
  changed.writeInt32BE(2 ** 31 - 1, 0);
  return changed;
}
