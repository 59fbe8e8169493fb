import type { JobRow } from '../../job/row/job-row.js';
import { DatabaseError } from '../../errors/database-errors.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';
import { decodeJob } from '../../postgres/rows/job-columns.js';
import { rescueStatements } from '../../postgres/worker/rescue-statements.js';
import { runLimited } from '../../postgres/worker/run-limited.js';
import type { FindHandler } from '../attempt/handler.js';
import { attemptError } from '../outcome/attempt-error.js';
import { nextRetry } from '../outcome/retry-policy.js';
import type { WorkerCore } from '../worker-core.js';
import { maintenanceLog, type Service } from './maintainer.js';

const EVERY_MS = 30_000;
/** The text is River's. */
const TEXT = 'Stuck job rescued by JobRescuer';

/** How one lost job changes. */
interface Rescue {
  readonly job: JobRow;
  readonly state: 'retryable' | 'discarded' | 'cancelled';
  readonly scheduledAt: Date | undefined;
}

/** Has jobs tried again whose worker was lost: those that are running for too long. */
export function jobRescuer(
  { connection, schema, options }: WorkerCore,
  findHandler: FindHandler,
): Service {
  const { find, rescue } = rescueStatements(schema);
  const { rescueAfterMs } = options;
  let after = '0';

  const decide = (row: TextRow): Rescue | undefined => {
    const job = decodeJob(row);
    if (row['cancelled'] === 't') return { job, state: 'cancelled', scheduledAt: undefined };
    const handler = findHandler(job.kind);
    const limitMs = handler === undefined ? 0 : (handler.options.timeoutMs ?? options.jobTimeoutMs);
    // It may still be under way.
    if (limitMs === false || limitMs > Number(row['age_ms'])) return undefined;
    // A kind that is not known here is that of another worker; Go's client discards its jobs.
    if (job.attempt >= job.maxAttempts) return { job, state: 'discarded', scheduledAt: undefined };
    const policies = [handler?.options.retry, options.retryPolicy];
    const onFailure = (error: unknown): void => {
      maintenanceLog.error(`Job ${job.id}: its retry policy threw an error: ${String(error)}`);
    };
    const now = new Date();
    const scheduledAt = nextRetry(job, new Error(TEXT), { policies, now, onFailure });
    return { job, state: 'retryable', scheduledAt };
  };

  const store = async (rescues: readonly Rescue[]): Promise<void> => {
    const at = new Date();
    await runLimited(connection, rescue, [
      rescueAfterMs,
      rescues.map(({ job }) => job.id),
      rescues.map(({ job }) => job.attempt),
      rescues.map(({ state }) => state),
      rescues.map(({ scheduledAt }) => scheduledAt?.toISOString() ?? null),
      rescues.map(({ job }) => attemptError({ at, attempt: job.attempt }, TEXT)),
    ]);
  };

  return {
    what: 'Rescuing jobs',
    untilNext: () => EVERY_MS,
    runsAtStart: true,
    async run(batch) {
      const rows = await runLimited(connection, find, [rescueAfterMs, after, batch]);
      const rescues = rows.map(decide).filter((each) => each !== undefined);
      await storeApart(rescues, store);
      const isFull = rows.length >= batch;
      after = isFull ? (rows.at(-1)?.['id'] ?? '0') : '0';
      return isFull;
    },
  };
}

/** Stores what can be stored: a row that Postgres refuses, as by a trigger, keeps no other from being rescued. */
async function storeApart(
  rescues: readonly Rescue[],
  store: (rescues: readonly Rescue[]) => Promise<void>,
): Promise<void> {
  const [first] = rescues;
  if (first === undefined) return;
  try {
    await store(rescues);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !error.isOfRow) throw error;
    if (rescues.length === 1) {
      maintenanceLog.error(
        `Job ${first.job.id} cannot be rescued, and stays running: ${String(error)}`,
      );
      return;
    }
    const middle = rescues.length >> 1;
    await storeApart(rescues.slice(0, middle), store);
    await storeApart(rescues.slice(middle), store);
  }
}
