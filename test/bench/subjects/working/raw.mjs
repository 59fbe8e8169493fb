// One loop by `pg`, without a library: claims up to 1,000 jobs, calls a function for each, completes them.
import { createRequire } from 'node:module';
import { INSERT_ORDER, orderOf } from '../../job.mjs';
import { open as openInserts } from '../raw.mjs';
import { workingOperations } from './operations.mjs';
import { UNFINISHED } from './river.mjs';

const pg = createRequire(new URL('../../../../package.json', import.meta.url))('pg');
const BATCH = 1_000;
const CLIENT_ID = 'bench';
const CLAIM = `
  with picked as (
    select id from public.river_job
    where state = 'available' and queue = 'default' and scheduled_at <= now()
    order by priority, scheduled_at, id limit $1 for update skip locked
  )
  update public.river_job as job set state = 'running', attempt = attempt + 1, attempted_at = now(),
    attempted_by = array_append(attempted_by, $2)
  from picked where job.id = picked.id returning job.id, job.args`;
const COMPLETE = `
  update public.river_job set state = 'completed', finalized_at = now()
  where id = any ($1) and state = 'running'`;
const POLL_MS = 2;
/** As many as the pool has connections. */
const TRANSACTIONS = 10;

export async function open({ url }) {
  const { insert, insertBulk, close } = await openInserts({ url });
  const pool = new pg.Pool({ connectionString: url, max: TRANSACTIONS });
  const claim = async (client, count) => {
    const { rows } = await client.query({ name: 'claim', text: CLAIM, values: [count, CLIENT_ID] });
    return rows;
  };
  const complete = (client, ids) =>
    client.query({ name: 'complete', text: COMPLETE, values: [ids] });

  return await workingOperations(url, {
    unfinished: UNFINISHED,
    insert: (number) => insert(number, 'public'),
    insertBulk,
    start: (onJob) =>
      loop(pool, async (client) => {
        const rows = await claim(client, BATCH);
        for (const { args } of rows) onJob(args.orderId);
        if (rows.length > 0)
          await complete(
            client,
            rows.map(({ id }) => id),
          );
        return rows.length;
      }),
    startTransactional: async (onJob) => {
      const stops = await Promise.all(
        Array.from({ length: TRANSACTIONS }, () =>
          loop(pool, async (client) => {
            const rows = await claim(client, 100);
            for (const { id, args } of rows) {
              await client.query('BEGIN');
              await client.query(INSERT_ORDER, orderOf(args.orderId));
              await complete(client, [id]);
              await client.query('COMMIT');
              onJob(args.orderId);
            }
            return rows.length;
          }),
        ),
      );
      return () => Promise.all(stops.map((stop) => stop()));
    },
    close: async () => {
      await close();
      await pool.end();
    },
  });
}

/** Runs `step` again and again on one connection, with a pause when it has found nothing. */
async function loop(pool, step) {
  const client = await pool.connect();
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      if ((await step(client)) > 0) continue;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return async () => {
    stopped = true;
    await running;
    client.release();
  };
}
