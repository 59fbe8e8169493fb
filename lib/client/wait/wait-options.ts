import {
  InvalidParamsError,
  invalidParams,
  unreadableParams,
} from '../../errors/invalid-errors.js';
import { isAbortSignal } from '../../errors/is-abort-signal.js';
import { nameText } from '../../errors/name-text.js';
import { reading } from '../../errors/reading.js';

const DEFAULT_TIMEOUT_MS = 30_000;
/** The longest that a timer can be set to. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How to wait for a job. */
export interface WaitOptions {
  /**
   * **Milliseconds** after which the wait is given up, 1 to 2147483647; `null` waits without end.
   * Default 30000. The job goes on all the same. They begin at the call of `waitFor`, or when the insert
   * of `insertAndWait` is done.
   */
  readonly timeoutMs?: number | null | undefined;
  /**
   * Gives up the wait when raised. The job goes on all the same. `insertAndWait` inserts nothing when it
   * is raised already; an insert under way it does not stop.
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

/** @throws InvalidParamsError naming the option and its rule */
export function checkWaitOptions(options: unknown = {}): CheckedWaitOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalidParams('wait options', 'must be an object', options);
  }
  const given: Record<string, unknown> = reading(unreadableParams('wait options'), () => ({
    ...options,
  }));
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, parseOutput, ...others } = given;
  const [stray] = Object.keys(others);
  if (stray !== undefined) throw unknownOption(nameText(stray));
  if (timeoutMs !== null && !isTimeout(timeoutMs)) {
    const rule = `must be whole milliseconds from 1 to ${MAX_TIMEOUT_MS}, or null for no limit`;
    throw invalidParams('timeoutMs', rule, timeoutMs);
  }
  if (signal !== undefined && signal !== null && !isAbortSignal(signal)) {
    throw invalidParams('signal', 'must be an AbortSignal', signal);
  }
  if (parseOutput !== undefined && typeof parseOutput !== 'function') {
    throw invalidParams('parseOutput', 'must be a function', parseOutput);
  }
  return {
    timeoutMs: timeoutMs ?? undefined,
    signal: signal ?? undefined,
    parseOutput: parseOutput as CheckedWaitOptions['parseOutput'],
  };
}

function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TIMEOUT_MS;
}

function unknownOption(name: string): InvalidParamsError {
  return new InvalidParamsError(
    `${name}: there is no such option. The options are timeoutMs, signal, parseOutput.`,
    { code: 'RIVER_INVALID_PARAMS', field: name },
  );
}
