import type { JobRowFields } from '../../job/row/job-row.js';
import type { Jsonify } from '../../job/row/jsonify.js';

/** A job whose args are already what its method receives. */
export interface WorkedJob<Args = unknown> extends JobRowFields<Args> {
  /**
   * Aborts when the attempt should end: at its time limit (`JobTimeoutError`), when the job is cancelled
   * (`AttemptCancelledError`), when the worker stops (`WorkerStoppingError`), and after the attempt has ended
   * (`JobAttemptFinishedError`). The `reason` of the signal is the error.
   */
  readonly signal: AbortSignal;
  /**
   * Sets a key of the job's metadata. It is stored when the attempt ends, however it ends. Keys that begin
   * with `river:` are River's own.
   *
   * @throws InvalidParamsError
   */
  setMetadata(key: string, value: unknown): void;
  /** Records the output of the job; the last one wins. `complete(output)` does the same. */
  recordOutput(output: unknown): void;
  /**
   * The columns of the job as a plain object. They are decoded when they are read, so that a copy by `{ ...job }`
   * lacks most of them: copy what this returns.
   */
  toJSON(): JobRowFields<Args>;
}

/** A job under way, as a method with `@Work(SendReceipt)` receives it: `Job<SendReceipt>`. */
export type Job<Args = unknown> = WorkedJob<Jsonify<Args>>;
