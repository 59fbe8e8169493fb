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

const PGBOSS = { emptied: ['pgboss.job'], jobs: 'pgboss.job' };
const GRAPHILE = {
  emptied: ['graphile_worker._private_jobs'],
  jobs: 'graphile_worker._private_jobs',
};
const DRAINS = ['drain100k', 'insert_to_start', 'drain_tx'];

/** Those that work jobs: with settings for throughput and latency, and with their defaults. */
Object.assign(SUBJECTS, {
  'ours-worker': {
    label: 'nestjs-river',
    module: 'working/ours',
    tuned: true,
    only: [...DRAINS, 'drain1m'],
    store: RIVER,
    call: '`@Work` on a provider, `maxWorkers: 2000`; `transaction: true` in `drain_tx`',
  },
  'raw-worker': {
    label: 'pg by hand',
    module: 'working/raw',
    only: DRAINS,
    store: RIVER,
    call: 'one loop: claim up to 1,000 jobs by SKIP LOCKED, complete them by one statement; in `drain_tx` 10 loops, a transaction per job',
  },
  'river-go-worker': {
    label: 'River in Go',
    module: 'go',
    tuned: true,
    only: DRAINS,
    store: RIVER,
    call: "River's Go client: `MaxWorkers: 2000`, `FetchCooldown: 2ms`; `JobCompleteTx` in `drain_tx`",
  },
  'pg-boss-worker': {
    label: 'pg-boss',
    module: 'working/pg-boss',
    tuned: true,
    isNewer: true,
    only: ['drain100k', 'insert_to_start'],
    store: PGBOSS,
    call: '`work` with `batchSize: 1000`, `burstWhenBatchFull`, and notifications',
  },
  'graphile-worker-worker': {
    label: 'graphile-worker',
    module: 'working/graphile-worker',
    tuned: true,
    isNewer: true,
    only: ['drain100k', 'insert_to_start'],
    store: GRAPHILE,
    call: '`run` with 24 jobs at once, a local queue of 500, and `completeJobBatchDelay: 0`; finished jobs are deleted',
  },
  'ours-worker-defaults': {
    label: 'nestjs-river, defaults',
    module: 'working/ours',
    only: ['drain_defaults'],
    store: RIVER,
    call: '`queues: { default: 100 }`',
  },
  'river-go-worker-defaults': {
    label: 'River in Go, defaults',
    module: 'go',
    only: ['drain_defaults'],
    store: RIVER,
    call: '`MaxWorkers: 100`',
  },
  'pg-boss-worker-defaults': {
    label: 'pg-boss, defaults',
    module: 'working/pg-boss',
    isNewer: true,
    only: ['drain_defaults'],
    store: PGBOSS,
    call: '`work` without options',
  },
  'graphile-worker-worker-defaults': {
    label: 'graphile-worker, defaults',
    module: 'working/graphile-worker',
    isNewer: true,
    only: ['drain_defaults'],
    store: GRAPHILE,
    call: '`run` without options',
  },
});

/** Whether a subject takes part in a scenario, as far as it is known before its process runs. */
export function takesPart(name, scenarioName, scenario) {
  const { only } = SUBJECTS[name];
  if (only !== undefined) return only.includes(scenarioName);
  return scenario.subjects?.includes(name) ?? true;
}
