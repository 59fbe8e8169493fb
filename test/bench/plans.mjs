// How Postgres answers jobList and queueStats on a big table: the plan, the buffers and the time of
// each, as EXPLAIN tells them, with the statements and the values that the client sends.
//
//   npm run build && node test/bench/plans.mjs [--rows 5000000] [--database-url URL] [--full]
import { parseArgs } from 'node:util';
import pg from 'pg';
import { checkJobListParams } from '../../dist/lib/admin/job-list-params.js';
import { encodeCursor } from '../../dist/lib/admin/job-list-cursor.js';
import { RiverMigrator } from '../../dist/lib/migrations/index.js';
import { jobListStatement } from '../../dist/lib/postgres/administration/job-list-statement.js';
import { queueStatsStatement } from '../../dist/lib/postgres/administration/queue-stats-statement.js';
import { SchemaName } from '../../dist/lib/postgres/connection/schema-name.js';
import { startEmbedded } from '../support/server/embedded.mjs';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    'database-url': { type: 'string' },
    full: { type: 'boolean', default: false },
  },
});
const ROWS = Number(options.rows);
const SCHEMA = new SchemaName('plans');

/**
 * Of a hundred jobs about 98 are done, as on a table that River's cleaner has not visited for a while;
 * those that are not are among the latest.
 */
const FILL = `
  insert into plans.river_job
    (state, attempt, attempted_at, attempted_by, created_at, finalized_at, scheduled_at, priority,
     args, kind, queue, tags, metadata)
  select state, 1, at, array['worker-' || n % 8], at,
    case when state in ('completed', 'discarded', 'cancelled') then at + interval '2 seconds' end,
    at, 1 + n % 4, jsonb_build_object('email', 'customer-' || n || '@example.com', 'orderId', n),
    'kind_' || n % 50, 'queue_' || n % 5, array['tag_' || n % 20], jsonb_build_object('tenant', n % 1000)
  from generate_series(1, $1::int) as n,
    lateral (select now() - ($1::int - n) * interval '100 ms' as at) as time,
    lateral (select n * 40503::bigint % 1000 as dice) as throw,
    lateral (select (case
      when n > $1 * 0.98 and dice < 500 then 'available' when n > $1 * 0.98 and dice < 750 then 'scheduled'
      when n > $1 * 0.98 and dice < 850 then 'retryable' when n > $1 * 0.98 and dice < 852 then 'running'
      when dice < 10 then 'discarded' when dice < 14 then 'cancelled'
      else 'completed' end)::plans.river_job_state as state) as stated`;

const COLUMNS = 'select count(*), state from plans.river_job group by state order by state';

async function fill(client) {
  await client.query('create schema plans; set search_path to plans');
  await new RiverMigrator(client).migrate({ direction: 'up' });
  const { rows } = await client.query(
    `select format('%I.%I', schemaname, indexname) as name, indexdef as create from pg_indexes
     where schemaname = 'plans' and tablename = 'river_job' and indexname <> 'river_job_pkey'`,
  );
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await client.query(FILL, [ROWS]);
  for (const { create } of rows) await client.query(create);
  await client.query('vacuum (analyze) plans.river_job');
  await client.query(`insert into plans.river_queue (name) values ('queue_0'), ('idle')`);
}

/** The place in the middle of a list, as a cursor of a page there would name it. */
async function middle(client, params) {
  const list = checkJobListParams(params);
  const column = list.timeColumn ?? 'id';
  const states = list.filters.states ?? [];
  const { rows } = await client.query(
    `select id::text, to_jsonb(${list.timeColumn ?? 'null::timestamptz'}) #>> '{}' as time
     from plans.river_job where cardinality($1::text[]) = 0 or state::text = any ($1)
     order by ${column} offset $2 limit 1`,
    [states, Math.floor(ROWS / 3)],
  );
  return encodeCursor(list.query, rows[0]);
}

const list = (params) => jobListStatement(SCHEMA, checkJobListParams(params));
const stats = (params) => ({ statement: queueStatsStatement(SCHEMA, params), values: [] });

async function explain(client, name, { statement, values }) {
  const run = () =>
    client.query(`explain (analyze, buffers, timing off) ${statement.text}`, values);
  await run();
  const lines = (await run()).rows.map((row) => row['QUERY PLAN']);
  const times = [];
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    await client.query(statement.text, values);
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  console.log(`\n## ${name}: ${times[2].toFixed(1)} ms (median of 5, round trip)\n`);
  console.log(options.full ? lines.join('\n') : lines.filter(isTelling).join('\n'));
}

const isTelling = (line) =>
  /->|^\S|Buffers|Execution Time|Index Cond|Heap Fetches|Filter|Sort Key|Presorted|Searches/.test(
    line,
  ) && !/^Planning|JIT/.test(line);

const server = options['database-url']
  ? { url: options['database-url'], stop: async () => undefined }
  : await startEmbedded({ fsync: 'on', full_page_writes: 'on' });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
try {
  const { rows } = await client.query(`select to_regclass('plans.river_job') is null as empty`);
  if (rows[0].empty) await fill(client);
  const counts = (await client.query(COLUMNS)).rows;
  const version = (await client.query('show server_version')).rows[0].server_version;
  console.log(
    `PostgreSQL ${version}: ${counts.map((row) => `${row.count} ${row.state}`).join(', ')}`,
  );
  const deep = { states: ['completed'], orderBy: 'finalizedAt' };
  const after = async (params) => list({ ...params, after: await middle(client, params) });
  const cases = [
    ['jobList()', list({})],
    ['jobList(), a page in the middle', await after({})],
    ["jobList({ sortOrder: 'desc' })", list({ sortOrder: 'desc' })],
    ["jobList({ states: ['available'] })", list({ states: ['available'] })],
    ["jobList({ states: ['running'] })", list({ states: ['running'] })],
    [
      "jobList({ states: ['running'], sortOrder: 'desc' })",
      list({ states: ['running'], sortOrder: 'desc' }),
    ],
    ["jobList({ states: ['pending'] }), of which there are none", list({ states: ['pending'] })],
    [
      "jobList({ states: ['running'], orderBy: 'time' })",
      list({ states: ['running'], orderBy: 'time' }),
    ],
    [
      "jobList({ states: ['available'], orderBy: 'time' })",
      list({ states: ['available'], orderBy: 'time' }),
    ],
    [
      "jobList({ orderBy: 'finalizedAt', sortOrder: 'desc' })",
      list({ orderBy: 'finalizedAt', sortOrder: 'desc' }),
    ],
    [
      "jobList({ states: ['discarded'], orderBy: 'finalizedAt', sortOrder: 'desc' })",
      list({ states: ['discarded'], orderBy: 'finalizedAt', sortOrder: 'desc' }),
    ],
    [
      "jobList({ states: ['completed'], orderBy: 'finalizedAt' }), a page in the middle",
      await after(deep),
    ],
    [
      "jobList({ queues: ['queue_1'], states: ['available'] })",
      list({ queues: ['queue_1'], states: ['available'] }),
    ],
    ['jobList({ metadata: { tenant: 7 } })', list({ metadata: { tenant: 7 } })],
    [
      "jobList({ kinds: ['kind_3'], sortOrder: 'desc' })",
      list({ kinds: ['kind_3'], sortOrder: 'desc' }),
    ],
    ["jobList({ orderBy: 'scheduledAt' })", list({ orderBy: 'scheduledAt' })],
    ['queueStats()', stats({ finalized: false })],
    ['queueStats({ finalized: true })', stats({ finalized: true })],
  ];
  for (const [name, bound] of cases) await explain(client, name, bound);
} finally {
  await client.end();
  await server.stop();
}
