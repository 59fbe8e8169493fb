import { InvalidJobError, unreadable } from '../errors/invalid-errors.js';
import { reading } from '../errors/reading.js';
import { describeValue } from '../errors/describe-value.js';
import { identifyJob, type IdentifiedJob } from '../job/identify-job.js';
import type { OutsideTransaction } from '../job/insert-options.js';
import type { JobState } from '../job/row/job-state.js';
import { checkInsertOpts, invalidOption } from './options/check-insert-opts.js';
import {
  mergeInsertOpts,
  type CheckedInsertOpts,
  type Schedule,
} from './options/checked-insert-opts.js';
import { encodeJson } from './json/encode-json.js';
import {
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_OUTSIDE_TRANSACTION,
  DEFAULT_PRIORITY,
  DEFAULT_QUEUE,
  MAX_KIND_LENGTH,
} from './options/insert-limits.js';
import { makeUnique, type Unique } from './unique/unique.js';
import { whyNotText } from './json/well-formed.js';

/** Everything that an insert sends of one job: checked, merged, encoded, frozen. */
export interface InsertParams {
  readonly kind: string;
  /** JSON text of the args. */
  readonly encodedArgs: string;
  /** undefined: the database's time. */
  readonly createdAt: Date | undefined;
  /** When the job may be worked. undefined: at once, by the database's time, from which a delay counts as well. */
  readonly schedule: Schedule | undefined;
  readonly state: JobState;
  readonly maxAttempts: number;
  /** JSON text of an object. */
  readonly metadata: string;
  readonly priority: number;
  readonly queue: string;
  readonly tags: readonly string[];
  readonly unique: Unique | undefined;
  readonly outsideTransaction: OutsideTransaction;
  readonly signal: AbortSignal | undefined;
}

/** What the client adds to every job. */
export interface InsertContext {
  /** The client's clock, read once per call: it decides unique periods, as in River's Go client. */
  readonly now: Date;
  /** Whether the application has configured this clock: its times are stored, not the database's. */
  readonly isClockGiven: boolean;
  /** The module's own level of options. */
  readonly moduleOpts: CheckedInsertOpts;
  /** Says no when another class has the kind already. */
  claimKind(job: IdentifiedJob): void;
}

/**
 * Makes the parameters of one job from its args and the call's options. Pure but for the args' own
 * methods: time and the registry of kinds come in by `context`.
 *
 * @throws InvalidJobError for whatever of the job is refused
 */
export function makeInsertParams(
  args: unknown,
  opts: unknown,
  context: InsertContext,
): InsertParams {
  return reading(unreadable('args', 'RIVER_ARGS_NOT_JSON'), () => make(args, opts, context));
}

function make(args: unknown, opts: unknown, context: InsertContext): InsertParams {
  const job = identifyJob(args);
  checkKind(job.kind);
  const encodedArgs = encodeArgs(job);
  const merged = mergeInsertOpts([
    checkInsertOpts(opts),
    checkInsertOpts(job.instanceOpts, 'insertOpts().'),
    job.classOpts,
    context.moduleOpts,
  ]);
  context.claimKind(job);
  const queue = merged.queue ?? DEFAULT_QUEUE;
  const { now, isClockGiven } = context;
  const schedule = isAtOnce(merged.schedule) ? undefined : merged.schedule;
  const scheduledAt = timeOf(schedule, now);
  const { kind, payload } = job;
  return Object.freeze({
    kind,
    encodedArgs,
    createdAt: isClockGiven ? now : undefined,
    schedule: isClockGiven ? { at: scheduledAt } : schedule,
    state: merged.pending === true ? 'pending' : schedule === undefined ? 'available' : 'scheduled',
    maxAttempts: merged.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    metadata: merged.metadata ?? '{}',
    priority: merged.priority ?? DEFAULT_PRIORITY,
    queue,
    tags: merged.tags ?? [],
    unique: merged.uniqueOpts
      ? makeUnique({ kind, encodedArgs, queue, scheduledAt, payload }, merged.uniqueOpts)
      : undefined,
    outsideTransaction: merged.outsideTransaction ?? DEFAULT_OUTSIDE_TRANSACTION,
    signal: merged.signal ?? undefined,
  });
}

/** @throws InvalidJobError when the table could not hold the kind */
export function checkKind(kind: unknown): asserts kind is string {
  const isInRange =
    typeof kind === 'string' &&
    kind !== '' &&
    // A character is one or two UTF-16 units: few texts have to be counted, and no huge ones.
    (kind.length <= MAX_KIND_LENGTH ||
      (kind.length <= 2 * MAX_KIND_LENGTH && [...kind].length <= MAX_KIND_LENGTH));
  const why = isInRange
    ? whyNotText(kind)
    : `must be 1 to ${MAX_KIND_LENGTH} characters; got ${describeValue(kind)}`;
  if (why !== undefined) {
    throw new InvalidJobError(`kind: ${why}.`, { code: 'RIVER_INVALID_KIND', field: 'kind' });
  }
}

/** @throws InvalidJobError when the args are not a JSON object */
export function encodeArgs(job: IdentifiedJob): string {
  const text = encodeJson(job.args, 'args', job.notArgs);
  if (text.startsWith('{')) return text;
  const hint = text.startsWith('"')
    ? ' toJSON() must return the object itself, not its JSON text; for ready-made text return rawJson(text).'
    : '';
  throw new InvalidJobError(
    `args: must encode to a JSON object, since a worker decodes them into a struct.${hint}`,
    { code: 'RIVER_ARGS_NOT_OBJECT', field: 'args' },
  );
}

function isAtOnce(schedule: Schedule | null | undefined): schedule is null | undefined {
  return schedule == null || ('delayMs' in schedule && schedule.delayMs === 0);
}

function timeOf(schedule: Schedule | undefined, now: Date): Date {
  if (schedule === undefined) return now;
  if ('at' in schedule) return schedule.at;
  const time = new Date(now.getTime() + schedule.delayMs);
  if (!Number.isNaN(time.getTime())) return time;
  throw invalidOption('delay', 'reaches beyond what a Date can hold');
}
