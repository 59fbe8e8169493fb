import type { JobRow } from '../../job/row/job-row.js';
import type { WorkedJob } from './job.js';

/** The options of `@Work`, checked. What is undefined is decided by the options of the module. */
export interface HandlerOptions {
  /** Whether the method runs in a transaction that its outcome is part of. */
  readonly transaction: boolean;
  /** Milliseconds; false: no limit. */
  readonly timeoutMs: number | false | undefined;
  /** Jobs of this kind at once in this process, within the slots of the queue. undefined: no limit. */
  readonly maxConcurrent: number | undefined;
  /** When to try again after a failure: milliseconds from now, a time, or undefined for the default. */
  readonly retry: ((job: JobRow, error: unknown) => number | Date | undefined) | undefined;
  /** Makes the args of the method from those of the row; what it throws fails the attempt. */
  readonly decode: ((args: unknown) => unknown) | undefined;
}

/** What works the jobs of one kind. */
export interface Handler {
  /** The kind first, then its aliases. */
  readonly kinds: readonly string[];
  /** For messages: `ReceiptWorker.send`. */
  readonly name: string;
  readonly options: HandlerOptions;
  /** Runs the method, with its guards, interceptors, pipes and filters. */
  readonly run: (job: WorkedJob) => unknown;
}

/** Finds the handler of a kind. */
export type FindHandler = (kind: string) => Handler | undefined;

/** Code around each attempt, as a middleware of River: it calls `next` and returns its result. */
export interface WorkerMiddleware {
  around(job: WorkedJob, next: () => Promise<unknown>): Promise<unknown>;
}
