import { queryAll, type TestDatabase } from '../support/index.js';

/** What a worker would write into a job's row at its end. */
export interface JobEnd {
  readonly state: 'cancelled' | 'completed' | 'discarded';
  readonly output?: unknown;
  readonly errors?: readonly object[];
  readonly attempt?: number;
}

/** Ends jobs as a worker does. */
export async function endJobs(
  database: TestDatabase,
  ids: readonly string[],
  { state, output, errors = [], attempt = 1 }: JobEnd,
): Promise<void> {
  await queryAll(
    database,
    `update "${database.schema}".river_job
     set state = $2, finalized_at = now(), attempt = $3, attempted_at = now(),
       errors = (select array_agg(value) from jsonb_array_elements($4::jsonb)),
       metadata = metadata || $5::jsonb
     where id = any ($1::bigint[])`,
    [
      ids.map(String),
      state,
      attempt,
      JSON.stringify(errors),
      JSON.stringify(output === undefined ? {} : { output }),
    ],
  );
}
