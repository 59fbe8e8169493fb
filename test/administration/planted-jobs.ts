import type { JobState } from 'nestjs-river';
import { queryAll, type Connectable } from '../support/index.js';

/** Columns of a row of `river_job`; times as Postgres reads them, arrays and JSON as they are. */
export interface PlantedJob {
  readonly id?: string | number;
  readonly args?: unknown;
  readonly attempt?: number;
  readonly attempted_at?: string | null;
  readonly attempted_by?: readonly string[] | null;
  readonly created_at?: string;
  readonly errors?: readonly unknown[] | null;
  readonly finalized_at?: string | null;
  readonly kind?: string;
  readonly max_attempts?: number;
  readonly metadata?: unknown;
  readonly priority?: number;
  readonly queue?: string;
  readonly scheduled_at?: string;
  readonly state?: JobState;
  readonly tags?: readonly string[];
  readonly unique_key?: string | null;
  readonly unique_states?: string | null;
}

const FINAL: readonly unknown[] = ['cancelled', 'completed', 'discarded'];
const DEFAULTS: PlantedJob = {
  args: {},
  attempt: 0,
  created_at: '2020-01-01T00:00:00Z',
  kind: 'planted',
  max_attempts: 25,
  metadata: {},
  priority: 1,
  queue: 'default',
  scheduled_at: '2020-01-01T00:00:00Z',
  state: 'available',
  tags: [],
};
const COLUMNS =
  'args, attempt, attempted_at, attempted_by, created_at, errors, finalized_at, kind, max_attempts, ' +
  'metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states';

/**
 * Puts rows into `river_job` as a worker may have left them.
 *
 * @returns their ids, in the order given
 */
export async function plantJobs(
  { url, schema }: Connectable & { readonly schema: string },
  jobs: readonly PlantedJob[],
): Promise<string[]> {
  const rows = jobs.map((job) => ({
    ...DEFAULTS,
    ...(FINAL.includes(job.state) && { finalized_at: '2020-01-01T00:00:02Z' }),
    ...job,
  }));
  const planted = await queryAll<{ id: string }>(
    { url },
    `insert into "${schema}".river_job (id, ${COLUMNS})
     select coalesce(id, nextval('"${schema}".river_job_id_seq')), ${COLUMNS}
     from jsonb_populate_recordset(null::"${schema}".river_job, $1::jsonb) returning id`,
    [JSON.stringify(rows)],
  );
  return planted.map(({ id }) => id);
}

/** Puts one row into `river_job`, and returns its id. */
export async function plantJob(
  database: Connectable & { readonly schema: string },
  job: PlantedJob,
): Promise<string> {
  const [id] = await plantJobs(database, [job]);
  if (id === undefined) throw new Error('nothing was planted');
  return id;
}
