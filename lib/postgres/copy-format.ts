import type { InsertParams } from '../insert/insert-params.js';

/** The columns that a COPY fills, in the order in which {@link CopyFormat} writes them. */
export const COPY_COLUMNS =
  'args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, ' +
  'unique_key, unique_states';
const COLUMN_COUNT = 12;

/** What the format begins with: its signature, no flags, nothing further. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const JSONB_VERSION = 1;
const VARCHAR_OID = 1043;
const YEAR_2000_MS = 946_684_800_000;

const INITIAL_BYTES = 80 * 1024;
/** More than the columns of fixed size take between two texts. */
const SPARE_BYTES = 128;

/**
 * Writes jobs as rows of COPY's binary format, as River's Go client does: the server has no text to
 * parse, and nothing needs escapes. A value follows the number of its bytes, -1 for null. The end of
 * the messages is the end of the rows.
 */
export class CopyFormat {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = HEADER.copy(this.#buffer);
  readonly #createdAt = remembering(microseconds);
  readonly #scheduledAt = remembering(microseconds);

  /** Bytes written and not taken. */
  get length(): number {
    return this.#length;
  }

  /** Hands out what was written; it is not written to any more. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#length = 0;
    return taken;
  }

  write(job: InsertParams): void {
    this.#length = this.#buffer.writeInt16BE(COLUMN_COUNT, this.#length);
    this.#jsonb(job.encodedArgs);
    this.#timestamp(this.#createdAt(job.createdAt.getTime()));
    this.#text(job.kind);
    this.#smallint(job.maxAttempts);
    this.#jsonb(job.metadata);
    this.#smallint(job.priority);
    this.#text(job.queue);
    this.#timestamp(this.#scheduledAt(job.scheduledAt.getTime()));
    this.#text(job.state);
    this.#texts(job.tags);
    this.#unique(job.unique);
  }

  #text(value: string): void {
    this.#reserve(value);
    const start = this.#length + 4;
    const end = start + this.#buffer.write(value, start);
    this.#int32(end - start);
    this.#length = end;
  }

  #jsonb(value: string): void {
    this.#reserve(value);
    const start = this.#length + 4;
    this.#buffer[start] = JSONB_VERSION;
    const end = start + 1 + this.#buffer.write(value, start + 1);
    this.#int32(end - start);
    this.#length = end;
  }

  /** One dimension, no nulls, its members counted from 1. */
  #texts(values: readonly string[]): void {
    const start = this.#length + 4;
    this.#length = start;
    this.#int32(values.length === 0 ? 0 : 1);
    this.#int32(0);
    this.#int32(VARCHAR_OID);
    if (values.length > 0) {
      this.#int32(values.length);
      this.#int32(1);
      for (const value of values) this.#text(value);
    }
    this.#buffer.writeInt32BE(this.#length - start, start - 4);
  }

  #smallint(value: number): void {
    this.#int32(2);
    this.#length = this.#buffer.writeInt16BE(value, this.#length);
  }

  #timestamp({ high, low }: Microseconds): void {
    this.#int32(8);
    this.#int32(high);
    this.#int32(low);
  }

  #unique(unique: InsertParams['unique']): void {
    if (unique?.path !== 'index') {
      this.#int32(-1);
      this.#int32(-1);
      return;
    }
    const { hash, stateBits } = unique;
    this.#int32(hash.length);
    this.#length += hash.copy(this.#buffer, this.#length);
    this.#int32(5);
    this.#int32(stateBits.length);
    this.#length = this.#buffer.writeUInt8(Number.parseInt(stateBits, 2), this.#length);
  }

  #int32(value: number): void {
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
  }

  /** Room for a text. Its bytes are counted only where three for each of its units are too many. */
  #reserve(text: string): void {
    if (this.#length + 3 * text.length + SPARE_BYTES <= this.#buffer.length) return;
    const size = this.#length + Buffer.byteLength(text) + SPARE_BYTES;
    if (size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * size);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** A 64-bit integer in halves, each a signed one: writing a bigint makes others of it, for each row. */
interface Microseconds {
  readonly high: number;
  readonly low: number;
}

/** Postgres counts microseconds from the year 2000. */
function microseconds(milliseconds: number): Microseconds {
  const count = BigInt(milliseconds - YEAR_2000_MS) * 1_000n;
  return { high: Number(count >> 32n), low: Number(BigInt.asIntN(32, count)) };
}

/** Most jobs of a call have the time of the one before them. */
function remembering<T, R>(make: (value: T) => R): (value: T) => R {
  let last: { readonly value: T; readonly made: R } | undefined;
  return (value) => {
    if (last?.value !== value) last = { value, made: make(value) };
    return last.made;
  };
}
