// Who takes part: what runs in its process, and where its jobs are kept.

const RIVER = {
  emptied: ['public.river_job', 'public.bench_order'],
  jobs: 'public.river_job',
  schema: 'public',
};

export const SUBJECTS = {
  ours: {
    label: 'nestjs-river',
    module: 'ours',
    store: RIVER,
    call: '`RiverClient` with default options on a TypeORM data source; `insertTx(client)` in the transaction of `raw`, `insertMany`, `insertManyFast`',
  },
  raw: {
    label: 'pg by hand',
    module: 'raw',
    store: RIVER,
    call: 'a named `INSERT … RETURNING` of all columns by `pg`, without a notification; in bulk `pg-copy-streams`',
  },
  typeorm: {
    label: 'TypeORM query()',
    module: 'typeorm',
    store: RIVER,
    call: '`dataSource.query()` with the statements of `raw`, in a transaction `manager.query()`',
  },
  'river-go': {
    label: 'River in Go',
    module: 'go',
    store: RIVER,
    call: "River's Go client, insert-only, on `riverpgxv5`: `Insert`, `InsertTx`, `InsertMany`, in bulk `InsertManyFast`",
  },
  'pg-boss': {
    label: 'pg-boss',
    module: 'pg-boss',
    isNewer: true,
    store: { emptied: ['pgboss.job', 'public.bench_order'], jobs: 'pgboss.job', schema: 'pgboss' },
    call: '`send`, with `db` in a transaction; `insert` of an array; unique: `singletonKey` in a queue with the policy `exclusive`',
  },
  'graphile-worker': {
    label: 'graphile-worker',
    module: 'graphile-worker',
    isNewer: true,
    store: {
      emptied: ['graphile_worker._private_jobs', 'public.bench_order'],
      jobs: 'graphile_worker._private_jobs',
      schema: 'graphile_worker',
    },
    call: '`addJob`, in a transaction the SQL function `add_job`; `addJobs` of an array; unique: `jobKey` with `unsafe_dedupe`',
  },
  'ours-pipeline': {
    module: 'ours',
    pipeline: true,
    only: ['tx_2ms'],
    store: RIVER,
    call: '`RiverTransaction.run` on a data source with `extra: { pipeline: true }`, order and job in one `Promise.all`',
  },
  'raw-pipeline': {
    module: 'raw',
    pipeline: true,
    only: ['tx_2ms'],
    store: RIVER,
    call: '`pg` with `pipeline: true`, all four statements sent before the first answer',
  },
};

/** Whether a subject takes part in a scenario, as far as it is known before its process runs. */
export function takesPart(name, scenarioName, scenario) {
  const { only } = SUBJECTS[name];
  if (only !== undefined) return only.includes(scenarioName);
  return scenario.subjects?.includes(name) ?? true;
}
