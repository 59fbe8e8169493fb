// graphile-worker: `addJob` and `addJobs` of its utils, and its SQL function inside of transactions.
import { Logger, makeWorkerUtils } from 'graphile-worker';
import pg from 'pg';
import { argsOf, INSERT_ORDER, KIND, orderOf } from '../job.mjs';

const ADD_JOB = 'select graphile_worker.add_job($1, $2::json)';

export async function open({ url }) {
  const pgPool = new pg.Pool({ connectionString: url, max: 10 });
  const report = (error) => console.error(error);
  pgPool.on('error', report);
  // It asks for this one, too.
  pgPool.on('connect', (client) => client.on('error', report));
  const utils = await makeWorkerUtils({ pgPool, logger: new Logger(() => () => undefined) });
  await utils.migrate();
  const insertMany = (first, count) =>
    utils.addJobs(
      Array.from({ length: count }, (_, index) => ({
        identifier: KIND,
        payload: argsOf(first + index),
      })),
    );

  return {
    insert: (number) => utils.addJob(KIND, argsOf(number)),
    // Keeps the job that is there, as River does; `replace`, the default, would write it anew.
    insertUnique: (number) =>
      utils.addJob(KIND, argsOf(number), { jobKey: String(number), jobKeyMode: 'unsafe_dedupe' }),
    insertMany,
    insertBulk: insertMany,
    transaction: (number) =>
      utils.withPgClient(async (client) => {
        await client.query('BEGIN');
        await client.query(INSERT_ORDER, orderOf(number));
        await client.query(ADD_JOB, [KIND, JSON.stringify(argsOf(number))]);
        await client.query('COMMIT');
      }),
    close: async () => {
      await utils.release();
      await pgPool.end();
    },
  };
}
