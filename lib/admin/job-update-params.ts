import { InvalidJobError, invalidParams, InvalidParamsError } from '../errors/invalid-errors.js';
import { readNewArgs, type NewArgs } from '../insert/args-change.js';
import { checkInsertOpts } from '../insert/options/check-insert-opts.js';
import type { Schedule } from '../insert/options/checked-insert-opts.js';
import type { UniqueOptions } from '../job/insert-options.js';
import { checkJson, checkJsonObject, givenParams } from './check-params.js';

/**
 * What `jobUpdate` changes. What is left out, or `undefined`, stays. Anything but the output and the
 * metadata changes only a job that waits.
 */
export interface JobUpdateParams {
  /**
   * The output of the job, any JSON value, `null` too: what a Go worker records by
   * `river.RecordOutput`. Kept in the row's metadata under `output`; at most 32 MB.
   */
  readonly output?: unknown;
  /** Keys to set in the row's metadata, at the top level; the others stay. */
  readonly metadata?: object | undefined;
  /** The new args, whole, of the same kind: an instance of its class, or `jobArgs(...)`. */
  readonly args?: object | undefined;
  /** The queue to move the job to. */
  readonly queue?: string | undefined;
  /** 1, the most urgent, to 4. */
  readonly priority?: number | undefined;
  /**
   * When the job may be worked: it becomes `scheduled`, as in an insert. One that is `retryable` or
   * `pending` stays so.
   */
  readonly scheduledAt?: Date | undefined;
  /** **Milliseconds** from now instead of `scheduledAt`; 0 makes the job available, unless `pending`. */
  readonly delay?: number | undefined;
  /**
   * With `args`, for a unique job: what makes it unique, if its insert had other options than its class.
   * Its unique states stay unless `byState` is given.
   */
  readonly uniqueOpts?: UniqueOptions | undefined;
}

/** What changes of a job that waits. */
export interface CheckedWaitingChange {
  readonly args: NewArgs | undefined;
  readonly queue: string | undefined;
  readonly priority: number | undefined;
  readonly schedule: Schedule | undefined;
}

export interface CheckedJobUpdate {
  /** The JSON text of an object with the keys of the metadata to set; null for none. */
  readonly metadata: string | null;
  readonly waiting: CheckedWaitingChange | undefined;
}

/** River's own limit. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const OF_OPTIONS = ['queue', 'priority', 'scheduledAt', 'delay'] as const;
const OF_WAITING = ['args', ...OF_OPTIONS, 'uniqueOpts'] as const;

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobUpdateParams(params: unknown): CheckedJobUpdate {
  const given = givenParams(params, ['output', 'metadata', ...OF_WAITING]);
  return {
    metadata: checkMetadata(given),
    waiting: OF_WAITING.some((name) => name in given) ? checkWaiting(given) : undefined,
  };
}

function checkMetadata({ output, metadata }: Record<string, unknown>): string | null {
  const members: string[] = [];
  if (metadata !== undefined) members.push(checkJsonObject(metadata, 'metadata').slice(1, -1));
  // Behind them: of a key that is there twice, jsonb keeps the last.
  if (output !== undefined) members.push(`"output":${checkOutput(output)}`);
  return members.length === 0 ? null : `{${members.filter(Boolean).join(',')}}`;
}

function checkWaiting(given: Record<string, unknown>): CheckedWaitingChange {
  for (const name of OF_WAITING) {
    if (given[name] === null) throw invalidParams(name, 'must not be null; leave it out', null);
  }
  if ('uniqueOpts' in given && !('args' in given)) {
    throw invalidParams('uniqueOpts', 'needs args, from which the unique key is computed');
  }
  const { queue, priority, schedule } = asParams(() =>
    checkInsertOpts(Object.fromEntries(OF_OPTIONS.map((name) => [name, given[name]]))),
  );
  return {
    args:
      'args' in given ? asParams(() => readNewArgs(given['args'], given['uniqueOpts'])) : undefined,
    queue: queue ?? undefined,
    priority: priority ?? undefined,
    schedule: schedule ?? undefined,
  };
}

/** Reports what a check of an insert rejects as a parameter of this call. */
export function asParams<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof InvalidJobError)) throw cause;
    const { message, field } = cause;
    throw new InvalidParamsError(message, {
      code: 'RIVER_INVALID_PARAMS',
      field,
      cause: cause.cause,
    });
  }
}

function checkOutput(output: unknown): string {
  const text = checkJson(output, 'output');
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_OUTPUT_BYTES) return text;
  throw invalidParams(
    'output',
    `must be at most ${MAX_OUTPUT_BYTES} bytes of JSON, and has ${bytes}`,
  );
}
