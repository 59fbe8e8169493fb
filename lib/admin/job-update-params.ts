import { must } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import { readNewArgs, type NewArgs } from '../insert/args-change.js';
import {
  oneSchedule,
  priority,
  queue,
  SCHEDULE_CHECKS,
} from '../insert/options/check-insert-opts.js';
import type { Schedule } from '../insert/options/checked-insert-opts.js';
import type { UniqueOptions } from '../job/insert-options.js';
import { asParams, checkJson, checkJsonObject, checkParams } from './check-params.js';

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
const notNull = must<object>('must not be null; leave it out', (value) => value !== null);

const OF_WAITING = { args: notNull, queue, priority, ...SCHEDULE_CHECKS, uniqueOpts: notNull };
const CHECKS = { output: checkOutput, metadata: checkJsonObject, ...OF_WAITING };
type Given = { readonly [Name in keyof typeof CHECKS]?: ReturnType<(typeof CHECKS)[Name]> };

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobUpdateParams(params: unknown): CheckedJobUpdate {
  const given: Given = checkParams(params, CHECKS);
  return {
    metadata: metadataOf(given),
    waiting: Object.keys(OF_WAITING).some((name) => name in given) ? waitingOf(given) : undefined,
  };
}

function metadataOf({ output, metadata }: Given): string | null {
  const members: string[] = [];
  if (metadata !== undefined) members.push(metadata.slice(1, -1));
  // Behind them: of a key that is there twice, jsonb keeps the last.
  if (output !== undefined) members.push(`"output":${output}`);
  return members.length === 0 ? null : `{${members.filter(Boolean).join(',')}}`;
}

function waitingOf(given: Given): CheckedWaitingChange {
  const { args, uniqueOpts } = given;
  if (uniqueOpts !== undefined && args === undefined) {
    throw invalidParams('uniqueOpts', 'needs args, from which the unique key is computed');
  }
  return {
    args: args === undefined ? undefined : asParams(() => readNewArgs(args, uniqueOpts)),
    queue: given.queue,
    priority: given.priority,
    schedule: oneSchedule(given, 'delay', invalidParams),
  };
}

function checkOutput(output: unknown, field: string): string {
  const text = checkJson(output, field);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_OUTPUT_BYTES) return text;
  throw invalidParams(field, `must be at most ${MAX_OUTPUT_BYTES} bytes of JSON, and has ${bytes}`);
}
