import { queryAll, type TestDatabase } from '../support/index.js';

/**
 * Lets the database refuse the jobs for which `when` holds of the row `new`, and only the database. After
 * the insert: jobs of a table with triggers before it do not share statements.
 */
export async function refuseJobs(
  database: TestDatabase,
  when: string,
  sqlState = 'P0001',
): Promise<void> {
  await queryAll(
    database,
    `create function refuse() returns trigger language plpgsql as $$
     begin raise exception 'refused' using errcode = '${sqlState}'; end $$;
     create trigger refuse after insert on river_job
     for each row when (${when}) execute function refuse()`,
  );
}
