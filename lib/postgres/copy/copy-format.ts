import type { InsertParams } from '../../insert/insert-params.js';
import type { DatabaseTime } from '../connection/database-time.js';

/** The columns that a COPY fills, in the order in which {@link CopyFormat} writes them. */
export const COPY_COLUMNS =
  'args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, ' +
  'unique_key, unique_states';
const COLUMN_COUNT = 12;

/** What the format begins with: its signature, no flags, nothing further. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const JSONB_VERSION = 1;
const VARCHAR_OID = 1043;
const YEAR_2000_US = 946_684_800_000_000n;

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
  /** Places of times that the database decides, and the delay of each in microseconds, if any. */
  #undecided: [place: number, delay: bigint | undefined][] = [];
  readonly #createdAt = remembering(halvesOfTime);
  readonly #scheduledAt = remembering(halvesOfTime);
  readonly #decided = remembering(halves);

  /** Bytes written and not taken. */
  get length(): number {
    return this.#length;
  }

  /**
   * Hands out what was written; it is not written to any more.
   *
   * @param now for the jobs whose times the database decides. The first ones are written before there
   *   is a transaction to ask in.
   */
  take(now: DatabaseTime): Buffer {
    for (const [place, delay] of this.#undecided) {
      const time = delay === undefined ? now.transaction : now.statement + delay;
      this.#putInt64(this.#decided(time), place);
    }
    this.#undecided = [];
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#length = 0;
    return taken;
  }

  write(job: InsertParams): void {
    this.#length = this.#buffer.writeInt16BE(COLUMN_COUNT, this.#length);
    this.#jsonb(job.encodedArgs);
    if (job.createdAt === undefined) this.#timeOfDatabase(undefined);
    else this.#timestamp(this.#createdAt(job.createdAt.getTime()));
    this.#text(job.kind);
    this.#smallint(job.maxAttempts);
    this.#jsonb(job.metadata);
    this.#smallint(job.priority);
    this.#text(job.queue);
    this.#due(job.schedule);
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

  #due(schedule: InsertParams['schedule']): void {
    if (schedule === undefined) this.#timeOfDatabase(undefined);
    else if ('at' in schedule) this.#timestamp(this.#scheduledAt(schedule.at.getTime()));
    else this.#timeOfDatabase(BigInt(Math.round(schedule.delayMs * 1_000)));
  }

  #timestamp(time: Halves): void {
    this.#int32(8);
    this.#putInt64(time, this.#length);
    this.#length += 8;
  }

  #timeOfDatabase(delay: bigint | undefined): void {
    this.#int32(8);
    this.#undecided.push([this.#length, delay]);
    this.#length += 8;
  }

  #putInt64({ high, low }: Halves, place: number): void {
    this.#buffer.writeInt32BE(high, place);
    this.#buffer.writeInt32BE(low, place + 4);
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
interface Halves {
  readonly high: number;
  readonly low: number;
}

function halvesOfTime(milliseconds: number): Halves {
  return halves(BigInt(milliseconds) * 1_000n);
}

/** Of microseconds since 1970; Postgres counts them from the year 2000. */
function halves(microseconds: bigint): Halves {
  const count = microseconds - YEAR_2000_US;
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
