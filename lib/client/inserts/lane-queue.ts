import { InsertAbortedError } from '../../errors/insert-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import { onAbort } from '../../abort-signal.js';

/** Characters of args and metadata in one statement, beyond its first call. */
const MAX_LENGTH = 1_000_000;

/** One call of an insert, of one job or several. */
export interface LaneCall {
  readonly jobs: readonly InsertParams[];
  readonly signals: readonly AbortSignal[];
  readonly resolve: (results: JobInsertResult[]) => void;
  readonly reject: (error: unknown) => void;
  /** When it began to wait for a statement. */
  readonly since: number;
}

/** What one statement may hold. */
export interface Share {
  /** Calls that wait for the first time. */
  readonly calls: number;
  readonly rows: number;
  /** Whether it is not known if the connection is alive: one call then goes ahead. */
  readonly isTrial: boolean;
}

/** The calls that wait for a statement. One whose signal is aborted leaves at once. */
export class LaneQueue {
  /** Calls of a statement that failed for one of them: each part is a statement, and goes first. */
  readonly #parts: LaneCall[][] = [];
  // Not a Set: V8 keeps what it held through each growth of its table until a full collection.
  readonly #calls: LaneCall[] = [];
  /** What forgets the signals of the calls that have any. */
  readonly #leave = new Map<LaneCall, () => void>();

  /** How many statements there can be at once. */
  get size(): number {
    return this.#parts.length + this.#calls.length;
  }

  push(call: LaneCall): void {
    this.#add(call, this.#calls);
  }

  /** Puts calls of a failed statement before all others, to be sent as one statement. */
  pushPart(calls: readonly LaneCall[]): void {
    const part: LaneCall[] = [];
    for (const call of calls) this.#add(call, part);
    if (part.length > 0) this.#parts.push(part);
  }

  /** The next calls for one statement. */
  take(share: Share): LaneCall[] {
    const [part] = this.#parts;
    const from = part ?? this.#calls;
    const most = share.isTrial ? 1 : part === undefined ? share.calls : part.length;
    let rows = 0;
    let length = 0;
    const end = from.findIndex(({ jobs }, place) => {
      rows += jobs.length;
      for (const { encodedArgs, metadata } of jobs) length += encodedArgs.length + metadata.length;
      return place > 0 && (place >= most || rows > share.rows || length > MAX_LENGTH);
    });
    return this.#remove(from, end === -1 ? from.length : end);
  }

  /** The calls that have waited since that time, `most` at most. */
  takeSince(time: number, most: number): LaneCall[] {
    const taken: LaneCall[] = [];
    for (const from of [...this.#parts, this.#calls]) {
      const later = from.findIndex(({ since }) => since > time);
      const count = Math.min(later === -1 ? from.length : later, most - taken.length);
      for (const call of this.#remove(from, count)) taken.push(call);
    }
    return taken;
  }

  /** Rejects all calls that wait. */
  rejectAll(error: Error): void {
    for (const from of [...this.#parts, this.#calls])
      for (const { reject } of this.#remove(from, from.length)) reject(error);
  }

  #remove(from: LaneCall[], count: number): LaneCall[] {
    const taken = from.splice(0, count);
    for (const call of taken) if (call.signals.length > 0) this.#forget(call);
    if (from.length === 0) this.#dropPart(from);
    return taken;
  }

  #add(call: LaneCall, to: LaneCall[]): void {
    if (call.signals.length > 0 && !this.#listen(call, to)) return;
    to.push(call);
  }

  /** @returns whether the call is to wait */
  #listen(call: LaneCall, to: LaneCall[]): boolean {
    const { signals, reject } = call;
    const abort = ({ reason }: AbortSignal): void => {
      this.#forget(call);
      const place = to.indexOf(call);
      if (place >= 0) to.splice(place, 1);
      if (to.length === 0) this.#dropPart(to);
      reject(new InsertAbortedError(reason));
    };
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) abort(aborted);
    else {
      const all = signals.map((signal) => onAbort(signal, () => abort(signal)));
      this.#leave.set(call, () => all.forEach((leave) => leave()));
    }
    return aborted === undefined;
  }

  #forget(call: LaneCall): void {
    this.#leave.get(call)?.();
    this.#leave.delete(call);
  }

  #dropPart(part: LaneCall[]): void {
    const place = this.#parts.indexOf(part);
    if (place >= 0) this.#parts.splice(place, 1);
  }
}
