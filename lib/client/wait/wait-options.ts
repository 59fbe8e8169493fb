import {
  callable,
  checkOptions,
  milliseconds,
  or,
  signal,
  type Checks,
} from '../../errors/checks.js';
import { invalidParams } from '../../errors/invalid-errors.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** How to wait for a job. */
export interface WaitOptions {
  /**
   * **Milliseconds** after which the wait times out, 1 to 2147483647; `null` waits without end.
   * Default 30000. The job goes on all the same. They begin at the call of `waitFor`, or when the insert
   * of `insertAndWait` is done.
   */
  readonly timeoutMs?: number | null | undefined;
  /**
   * Aborts the wait. The job goes on all the same. `insertAndWait` inserts nothing when the signal is
   * already aborted; it does not stop an insert under way.
   */
  readonly signal?: AbortSignal | null | undefined;
}

/** How to wait for a job whose output is checked and typed. */
export interface OutputOptions<Output> extends WaitOptions {
  /**
   * Receives what the worker recorded, `undefined` if nothing; what it returns is the `output`. What it
   * throws rejects the call, though the job has completed.
   *
   * @example z.array(z.string()).parse
   */
  readonly parseOutput: (output: unknown) => Output;
}

/** How long to wait. */
export interface WaitLimits {
  /** undefined: no limit. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Wait options, checked. */
export interface CheckedWaitOptions extends WaitLimits {
  readonly parseOutput: ((output: unknown) => unknown) | undefined;
}

type GivenWaitOptions = WaitOptions & Pick<CheckedWaitOptions, 'parseOutput'>;

const CHECKS: Checks<GivenWaitOptions> = {
  timeoutMs: or(null, milliseconds(1)),
  signal: or(null, signal),
  parseOutput: callable(),
};

/** @throws InvalidParamsError naming the option and its rule */
export function checkWaitOptions(options: unknown = {}): CheckedWaitOptions {
  const as = { field: 'wait options', refuse: invalidParams };
  const given = checkOptions(options, CHECKS, as);
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = given;
  return {
    timeoutMs: timeoutMs ?? undefined,
    signal: given.signal ?? undefined,
    parseOutput: given.parseOutput,
  };
}
