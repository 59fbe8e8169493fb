import { runLimited } from '../../postgres/worker/run-limited.js';
import { scheduleStatement } from '../../postgres/worker/schedule-statement.js';
import type { WorkerCore } from '../worker-core.js';
import type { Service } from './maintainer.js';

const EVERY_MS = 5_000;

/** Makes scheduled and retryable jobs available when their time comes. */
export function jobScheduler({ connection, schema }: WorkerCore): Service {
  const statement = scheduleStatement(schema);
  return {
    what: 'Scheduling jobs',
    untilNext: () => EVERY_MS,
    runsAtStart: true,
    async run(batch) {
      const [row] = await runLimited(connection, statement, [batch]);
      return Number(row?.['changed']) >= batch;
    },
  };
}
