// graphile-worker: `run` with a list of tasks. Tuned by its own advice for throughput: a local queue, and
// finished jobs in batches. It deletes finished jobs.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { argsOf, KIND } from '../../job.mjs';
import { workingOperations } from './operations.mjs';

const FILL = 10_000;
const logger = new Logger(() => () => undefined);
const TUNED = {
  preset: {
    worker: {
      concurrentJobs: 24,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
};

export async function open({ url, tuned = false }) {
  const pgPool = new pg.Pool({ connectionString: url, max: 10 });
  const report = (error) => console.error(error);
  pgPool.on('error', report);
  pgPool.on('connect', (client) => client.on('error', report));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();

  return await workingOperations(url, {
    unfinished: 'exists (select from graphile_worker._private_jobs)',
    insert: (number) => utils.addJob(KIND, argsOf(number)),
    insertBulk: async (first, count) => {
      for (let from = first; from < first + count; from += FILL) {
        const length = Math.min(FILL, first + count - from);
        await utils.addJobs(
          Array.from({ length }, (_, index) => ({
            identifier: KIND,
            payload: argsOf(from + index),
          })),
        );
      }
    },
    start: async (onJob) => {
      const runner = await run({
        pgPool,
        logger,
        noHandleSignals: true,
        taskList: { [KIND]: ({ orderId }) => onJob(orderId) },
        ...(tuned ? TUNED : {}),
      });
      return () => runner.stop();
    },
    close: async () => {
      await utils.release();
      await pgPool.end();
    },
  });
}
