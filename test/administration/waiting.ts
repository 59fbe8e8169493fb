import { queryAll, type Connectable } from '../support/index.js';

/** Returns once a session of the database waits for a lock. */
export async function untilSomebodyWaits(database: Connectable): Promise<void> {
  for (;;) {
    const rows = await queryAll(
      database,
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}
