import { cleanStatements } from '../../postgres/worker/clean-statements.js';
import { runLimited } from '../../postgres/worker/run-limited.js';
import type { WorkerCore } from '../worker-core.js';
import type { Service } from './maintainer.js';

const JOBS_EVERY_MS = 30_000;
const QUEUES_EVERY_MS = 3_600_000;
/** Milliseconds after which a queue that no worker has reported is forgotten. River's. */
const QUEUE_KEPT_MS = 24 * 3_600_000;

/** Deletes jobs that ended some time ago. */
export function jobCleaner({ connection, schema, options }: WorkerCore): Service {
  const { jobs } = cleanStatements(schema);
  const { completedMs, cancelledMs, discardedMs } = options.retention;
  const kept = [completedMs, cancelledMs, discardedMs].map((ms) => (ms === false ? null : ms));
  return {
    what: 'Deleting ended jobs',
    untilNext: () => JOBS_EVERY_MS,
    runsAtStart: true,
    async run(batch) {
      if (kept.every((ms) => ms === null)) return false;
      const [row] = await runLimited(connection, jobs, [...kept, batch]);
      return Number(row?.['deleted']) >= batch;
    },
  };
}

/** Deletes the rows of queues that no worker has reported for a day. */
export function queueCleaner({ connection, schema }: WorkerCore): Service {
  const { queues } = cleanStatements(schema);
  return {
    what: 'Deleting forgotten queues',
    untilNext: () => QUEUES_EVERY_MS,
    runsAtStart: true,
    async run(batch) {
      const [row] = await runLimited(connection, queues, [QUEUE_KEPT_MS, batch]);
      return Number(row?.['deleted']) >= batch;
    },
  };
}
