// Fills a table with jobs that were worked, of many kinds and queues, each with args of its own and
// every fourth with a unique key.

const INSERT = (schema) => `
  insert into ${schema}.river_job
    (state, attempt, max_attempts, attempted_at, created_at, finalized_at, scheduled_at, priority,
     args, attempted_by, kind, metadata, queue, tags, unique_key, unique_states)
  select 'completed', 1, 25, at + interval '1 second', at, at + interval '2 seconds', at, 1 + n % 4,
    jsonb_build_object('email', 'customer-' || n || '@example.com', 'items',
      jsonb_build_array('whale', 'tiger', 'bear'), 'orderId', n, 'total', 12.5),
    array['worker-' || n % 8], 'kind_' || n % 50, '{}', 'queue_' || n % 5, '{}',
    case when n % 4 = 0 then sha256(convert_to('filled' || n, 'UTF8')) end,
    case when n % 4 = 0 then b'11110101' end
  from generate_series(1, $1) as n, lateral (select now() - n * interval '1 second' as at) as time`;

/** Afterwards its indexes are as after one build, and its statistics are those of its rows. */
export async function fillTable(client, schema, jobs) {
  const { rows } = await client.query(
    `select format('%I.%I', schemaname, indexname) as name, indexdef as create from pg_indexes
     where schemaname = $1 and tablename = 'river_job' and indexname <> 'river_job_pkey'`,
    [schema],
  );
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await client.query(INSERT(schema), [jobs]);
  for (const { create } of rows) await client.query(create);
  await client.query(`vacuum (analyze, freeze) ${schema}.river_job`);
  await client.query('reset maintenance_work_mem');
}
