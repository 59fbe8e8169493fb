// pg-boss: `send` and `insert`, its calls for one job and for many. What runs beside them on a timer,
// supervision and schedules, is switched off.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { argsOf, INSERT_ORDER, KIND, orderOf } from '../job.mjs';

const UNIQUE = `${KIND}-unique`;

export async function open({ url }) {
  const boss = new PgBoss({ connectionString: url, max: 10, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(KIND);
  // One job per key that is queued or active: the policy nearest to a unique job of River.
  await boss.createQueue(UNIQUE, { policy: 'exclusive' });
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const insertMany = (first, count) =>
    boss.insert(
      KIND,
      Array.from({ length: count }, (_, index) => ({ data: argsOf(first + index) })),
    );

  return {
    insert: (number) => boss.send(KIND, argsOf(number)),
    insertUnique: (number) => boss.send(UNIQUE, argsOf(number), { singletonKey: String(number) }),
    insertMany,
    insertBulk: insertMany,
    transaction: async (number) => {
      const client = await pool.connect();
      const db = { executeSql: (text, values) => client.query(text, values) };
      try {
        await client.query('BEGIN');
        await client.query(INSERT_ORDER, orderOf(number));
        await boss.send(KIND, argsOf(number), { db });
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
    close: async () => {
      await pool.end();
      await boss.stop({ graceful: false });
    },
  };
}
