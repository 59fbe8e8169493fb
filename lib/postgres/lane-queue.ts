import { InsertAbortedError } from '../errors/insert-aborted-error.js';
import type { InsertParams } from '../insert/insert-params.js';
import type { JobInsertResult } from '../job/job-insert-result.js';
import { onAbort } from './on-abort.js';

/** Characters of args and metadata in one statement, beyond its first call. */
const MAX_LENGTH = 1_000_000;

/** One call of an insert, of one job or several. */
export interface LaneCall {
  readonly jobs: readonly InsertParams[];
  readonly signals: readonly AbortSignal[];
  readonly resolve: (results: JobInsertResult[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting {
  readonly call: LaneCall;
  /** Forgets the signals. */
  readonly leave: () => void;
}

/** What one statement may hold. */
export interface Share {
  /** Calls that wait for the first time. */
  readonly calls: number;
  readonly rows: number;
  /** Whether it is not known if the connection is alive: one call then goes ahead. */
  readonly isTrial: boolean;
}

const NOTHING = (): void => undefined;

/** The calls that wait for a statement. One whose signal is aborted leaves at once. */
export class LaneQueue {
  /** Calls of a statement that failed for one of them: each part is a statement, and goes first. */
  readonly #parts: Set<Waiting>[] = [];
  readonly #calls = new Set<Waiting>();

  /** How many statements there can be at once. */
  get size(): number {
    return this.#parts.length + this.#calls.size;
  }

  push(call: LaneCall): void {
    this.#add(call, this.#calls);
  }

  /** Puts calls of a failed statement before all others, to be sent as one statement. */
  pushPart(calls: readonly LaneCall[]): void {
    const part = new Set<Waiting>();
    for (const call of calls) this.#add(call, part);
    if (part.size > 0) this.#parts.push(part);
  }

  /** The next calls for one statement. */
  take(share: Share): LaneCall[] {
    const [part] = this.#parts;
    const from = part ?? this.#calls;
    const most = share.isTrial ? 1 : part === undefined ? share.calls : part.size;
    const taken: LaneCall[] = [];
    let rows = 0;
    let length = 0;
    for (const waiting of from) {
      const { jobs } = waiting.call;
      rows += jobs.length;
      for (const { encodedArgs, metadata } of jobs) length += encodedArgs.length + metadata.length;
      const isFull = taken.length >= most || rows > share.rows || length > MAX_LENGTH;
      if (taken.length > 0 && isFull) break;
      waiting.leave();
      from.delete(waiting);
      taken.push(waiting.call);
    }
    if (part?.size === 0) this.#parts.shift();
    return taken;
  }

  #add(call: LaneCall, to: Set<Waiting>): void {
    const { signals, reject } = call;
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) return reject(new InsertAbortedError(aborted.reason));
    const waiting: Waiting = { call, leave: signals.length === 0 ? NOTHING : leave };
    const forget = signals.map((signal) => onAbort(signal, () => abort(signal)));
    function leave(): void {
      for (const each of forget) each();
    }
    const abort = ({ reason }: AbortSignal): void => {
      leave();
      to.delete(waiting);
      if (to.size === 0) this.#dropPart(to);
      reject(new InsertAbortedError(reason));
    };
    to.add(waiting);
  }

  #dropPart(part: Set<Waiting>): void {
    const place = this.#parts.indexOf(part);
    if (place >= 0) this.#parts.splice(place, 1);
  }
}
