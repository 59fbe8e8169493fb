import { asParams } from '../../admin/check-params.js';
import type { CheckedJobUpdate, CheckedWaitingChange } from '../../admin/job-update-params.js';
import {
  JobNotFoundError,
  JobNotWaitingError,
  JobUniqueConflictError,
} from '../../errors/administration-errors.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { invalidParams, InvalidParamsError } from '../../errors/invalid-errors.js';
import {
  keyInQueue,
  uniqueOfNewArgs,
  type ChangedUnique,
} from '../../insert/changed-unique-key.js';
import type { Schedule } from '../../insert/options/checked-insert-opts.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { JobState } from '../../job/row/job-state.js';
import type { Connection } from '../../postgres/connection/connection.js';
import { readDatabaseTime } from '../../postgres/connection/database-time.js';
import { decodeJob } from '../../postgres/rows/job-columns.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';
import { timestamp } from '../../postgres/rows/timestamp.js';
import type { WaitingJobStatements } from '../../postgres/administration/waiting-job-statements.js';

/** The states of jobs that wait to be worked. */
const WAITING: readonly JobState[] = ['available', 'pending', 'retryable', 'scheduled'];

/** What a job is to be like. */
interface Target {
  readonly queue: string;
  readonly state: JobState;
  readonly scheduledAt: Date;
}

/** The place in the unique index that it is to have; null stays. */
interface Place {
  readonly key: string | null;
  readonly stateBits: string | null;
  readonly state: JobState;
}

/** Changes a job that waits, in a transaction, so that no worker takes it in between. */
export class WaitingJobUpdate {
  readonly #statements: WaitingJobStatements;
  readonly #notifies: boolean;

  constructor(statements: WaitingJobStatements, { notifies }: { readonly notifies: boolean }) {
    this.#statements = statements;
    this.#notifies = notifies;
  }

  async run(
    connection: Connection,
    id: string,
    { metadata, waiting }: CheckedJobUpdate & { readonly waiting: CheckedWaitingChange },
  ): Promise<TextRow> {
    return await connection.transaction(async (own) => {
      const [row] = await own.run(this.#statements.lock, [id]);
      if (row === undefined) throw new JobNotFoundError(id);
      const job = decodeJob(row);
      if (!WAITING.includes(job.state)) throw new JobNotWaitingError(id, job.state);
      if (metadata !== null && !isObject(job.metadata)) throw metadataNotObject(id);
      const { args, queue = job.queue, priority, schedule } = waiting;
      if (args !== undefined && args.kind !== job.kind) {
        throw invalidParams('args', `are of another kind than job ${id}`);
      }
      const now = new Date(Number(readDatabaseTime(row).statement / 1000n));
      const target = { queue, ...scheduled(job, schedule, now) };
      const { key = null, stateBits = null } = changedUnique(job, target, waiting) ?? {};
      await this.#checkPlace(own, job, { key, stateBits, state: target.state });
      const becomesAvailable = queue !== job.queue || job.state !== 'available';
      const [changed] = await this.#change(own, job, [
        id,
        args?.encodedArgs ?? null,
        queue,
        priority ?? null,
        schedule === undefined ? null : timestamp(target.scheduledAt),
        target.state,
        key,
        metadata,
        this.#notifies && target.state === 'available' && becomesAvailable,
        stateBits,
      ]);
      if (changed === undefined) throw new JobNotFoundError(id);
      return changed;
    });
  }

  /** @throws JobUniqueConflictError, before a statement fails and aborts the transaction */
  async #checkPlace(
    connection: Connection,
    { id, uniqueKey, state }: JobRow,
    target: Place,
  ): Promise<void> {
    if (uniqueKey === null || (target.key === null && target.state === state)) return;
    const key = target.key ?? uniqueKey;
    const values = [id, key, target.state, target.stateBits];
    const [holder] = await connection.run(this.#statements.holder, values);
    if (holder !== undefined) throw new JobUniqueConflictError(id, { by: holder['id'] ?? '' });
  }

  async #change(connection: Connection, { id }: JobRow, values: unknown[]): Promise<TextRow[]> {
    try {
      return await connection.run(this.#statements.change, values);
    } catch (cause) {
      const isConflict = cause instanceof DatabaseError && cause.sqlState === '23505';
      throw isConflict ? new JobUniqueConflictError(id, { cause }) : cause;
    }
  }
}

function isObject(metadata: unknown): boolean {
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
}

/** Go stores any JSON as metadata. */
export function metadataNotObject(id: string): InvalidParamsError {
  return invalidParams('metadata', `cannot be set, since that of job ${id} is not an object`);
}

/** When the job may be worked, and its state until then. */
function scheduled(job: JobRow, schedule: Schedule | undefined, now: Date): Omit<Target, 'queue'> {
  const { state } = job;
  if (schedule === undefined) return { state, scheduledAt: job.scheduledAt };
  if ('at' in schedule) {
    return { state: state === 'available' ? 'scheduled' : state, scheduledAt: schedule.at };
  }
  const scheduledAt = new Date(now.getTime() + schedule.delayMs);
  if (Number.isNaN(scheduledAt.getTime())) {
    throw invalidParams('delay', 'reaches beyond what a Date can hold');
  }
  if (state === 'pending') return { state, scheduledAt };
  if (schedule.delayMs === 0) return { state: 'available', scheduledAt };
  return { state: state === 'available' ? 'scheduled' : state, scheduledAt };
}

/** The new place of a job that has one in the unique index; undefined where it stays. */
function changedUnique(
  job: JobRow,
  target: Target,
  { args, schedule }: CheckedWaitingChange,
): ChangedUnique | undefined {
  const { kind, uniqueKey, encodedArgs, queue, scheduledAt } = job;
  const unique = args && uniqueOf(job, target, args);
  if (args?.uniqueOpts !== undefined && unique === undefined)
    throw unknownKey(job, 'its unique options need a lock, which an update does not take');
  if (uniqueKey === null) {
    if (args?.hasOwnUniqueOpts !== true) return undefined;
    throw invalidParams('uniqueOpts', `job ${job.id} is not unique, and an update keeps it so`);
  }
  if (args !== undefined) {
    if (unique !== undefined) return unique;
    throw unknownKey(
      job,
      'the class of the args has no unique options. Give uniqueOpts beside them',
    );
  }
  if (queue === target.queue && schedule === undefined) return undefined;
  const key = keyInQueue({ kind, queue, scheduledAt, encodedArgs, uniqueKey }, target.queue);
  if (key !== undefined) return { key, stateBits: undefined };
  throw unknownKey(job, 'what its key is made of is not known from its row. Give its args as well');
}

function uniqueOf(
  { kind }: JobRow,
  { queue, scheduledAt }: Target,
  args: NonNullable<CheckedWaitingChange['args']>,
): ChangedUnique | undefined {
  return asParams(() => uniqueOfNewArgs({ kind, queue, scheduledAt }, args));
}

function unknownKey({ id }: JobRow, why: string): InvalidParamsError {
  return new InvalidParamsError(
    `args: job ${id} is unique, and its unique key would have to change; but ${why}.`,
    { code: 'RIVER_UNIQUE_KEY_UNKNOWN', field: 'args' },
  );
}
