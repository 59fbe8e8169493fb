import { from, type CopyStreamQuery } from 'pg-copy-streams';
import { DatabaseError } from '../errors/database-error.js';
import type { CopyInterrupt } from './copy-interrupt.js';
import type { PgClient } from './pg-client.js';
import type { Statement } from './statement.js';

/** The rows of a COPY, chunk by chunk. */
export interface CopyRows {
  readonly first: Buffer;
  /** undefined after the last. */
  readonly next: () => Promise<Buffer | undefined>;
  /** Gives the COPY up, until all rows are sent. */
  readonly interrupt: CopyInterrupt;
}

/** Milliseconds that the server is given to answer when a COPY is given up. */
const CUT_AFTER_MS = 1_000;

/**
 * Sends one COPY ... FROM STDIN and its rows, each chunk when the one before has left. When this
 * fails, the server has undone it, or the connection is closed.
 *
 * @throws DatabaseError, what `next` threw, or what the interrupt was raised with
 */
export async function copyIn(
  client: PgClient,
  { operation, text }: Statement,
  { first, next, interrupt }: CopyRows,
): Promise<void> {
  const stream = from(text);
  const answer: { error?: DatabaseError } = {};
  stream.on('error', (cause) => {
    answer.error ??= new DatabaseError(operation, cause);
    interrupt.raise(answer.error);
  });
  (client as unknown as { query(stream: CopyStreamQuery): void }).query(stream);
  try {
    let chunk: Buffer | undefined = first;
    while (chunk !== undefined) {
      await interrupt.unlessRaised(write(stream, chunk));
      chunk = await interrupt.unlessRaised(next());
    }
    interrupt.throwIfRaised();
    await end(stream);
  } catch (error) {
    const failure = answer.error ?? error;
    // Once the server has answered, pg-copy-streams has let go of its connection.
    if (answer.error === undefined) await giveUp(stream);
    // Without an answer there is no telling what the server makes of it.
    if (answer.error?.sqlState === undefined) void client.end?.().catch(() => undefined);
    throw failure;
  }
}

/** Resolves when the chunk has left this process. More than one on its way would crash the stream. */
function write(stream: CopyStreamQuery, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** From here on the server stores the rows, whatever becomes of us. */
function end(stream: CopyStreamQuery): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject).once('finish', resolve).end();
  });
}

/** Tells the server to undo what it has got, and waits for its answer. */
function giveUp(stream: CopyStreamQuery): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CUT_AFTER_MS);
    stream.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    stream.destroy(new Error('given up by the client'));
  });
}
