import { from, type CopyStreamQuery } from 'pg-copy-streams';
import type { DatabaseError } from '../../errors/database-errors.js';
import type { PgClient } from '../driver/pg-client.js';
import { withDeadline } from '../../abort-signal.js';

/** The rows of a COPY, chunk by chunk. */
export interface CopyRows {
  readonly first: Buffer;
  /** undefined after the last. */
  readonly next: () => Promise<Buffer | undefined>;
  /** Ends the COPY early. Aborted here when it fails; the caller closes a connection that then hangs. */
  readonly interrupt: AbortController;
}

/** What a COPY needs beside its text. */
interface CopyInput extends CopyRows {
  /** Makes the error of what the driver reports, and closes a connection that must not be used again. */
  readonly errorOf: (cause: unknown) => DatabaseError;
}

/**
 * Sends one COPY ... FROM STDIN and its rows, each chunk when the one before has left. When this
 * fails, the server has undone it, or the connection is closed.
 *
 * @returns how many rows the server has stored: fewer than were sent where a trigger dropped some
 * @throws DatabaseError, what `next` threw, or the reason of the interrupt
 */
export async function copyIn(
  client: PgClient,
  text: string,
  { first, next, interrupt, errorOf }: CopyInput,
): Promise<number> {
  const stream = from(text);
  const { signal } = interrupt;
  const deadline = { signals: [signal] };
  const answer: { error?: DatabaseError } = {};
  const fail = (cause: unknown): void => {
    answer.error ??= errorOf(cause);
    interrupt.abort(answer.error);
  };
  stream.on('error', fail);
  const sent = (client as unknown as { query(stream: CopyStreamQuery): unknown }).query(stream);
  // `pg` returns the stream. What wraps it to trace or to change statements may return a promise.
  if (sent instanceof Promise) sent.catch(fail);
  try {
    let chunk: Buffer | undefined = first;
    while (chunk !== undefined) {
      await withDeadline(write(stream, chunk), deadline);
      chunk = await withDeadline(next(), deadline);
    }
    signal.throwIfAborted();
    await end(stream);
    return stream.rowCount;
  } catch (error) {
    const failure = answer.error ?? error;
    interrupt.abort(failure);
    // Once the server has answered, pg-copy-streams has let go of its connection.
    if (answer.error === undefined) await undo(stream);
    throw failure;
  }
}

/** Resolves when the chunk has left this process. More than one on its way would crash the stream. */
function write(stream: CopyStreamQuery, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** Waits until the server has all rows. */
function end(stream: CopyStreamQuery): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject).once('finish', resolve).end();
  });
}

/** Asks the server to undo what it has received, and waits until it did or the connection is closed. */
function undo(stream: CopyStreamQuery): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.destroy(new Error('aborted by the client'));
  });
}
