// pg-boss: `work`. Tuned: 1,000 jobs to one call of the handler, and the next fetch at once after a full one.
import { PgBoss } from 'pg-boss';
import { argsOf, KIND } from '../../job.mjs';
import { workingOperations } from './operations.mjs';

const FILL = 10_000;
const TUNED = { batchSize: 1_000, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };

export async function open({ url, tuned = false }) {
  const boss = new PgBoss({
    connectionString: url,
    max: 10,
    supervise: false,
    schedule: false,
    useListenNotify: tuned,
  });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(KIND, { notify: tuned });

  return await workingOperations(url, {
    unfinished: `exists (select from pgboss.job where name = '${KIND}' and state < 'completed')`,
    insert: (number) => boss.send(KIND, argsOf(number)),
    insertBulk: async (first, count) => {
      for (let from = first; from < first + count; from += FILL) {
        const length = Math.min(FILL, first + count - from);
        await boss.insert(
          KIND,
          Array.from({ length }, (_, index) => ({ data: argsOf(from + index) })),
        );
      }
    },
    start: async (onJob) => {
      await boss.work(KIND, tuned ? TUNED : {}, async (jobs) => {
        for (const { data } of jobs) onJob(data.orderId);
      });
      return () => boss.offWork(KIND);
    },
    close: () => boss.stop({ graceful: false }),
  });
}
