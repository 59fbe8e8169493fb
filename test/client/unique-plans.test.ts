import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JobArgs } from 'nestjs-river';
import { startClient, type StartedClient } from './started-client.js';

@JobArgs('planned', { uniqueOpts: { byArgs: true } })
class PlannedArgs {
  constructor(readonly n: number) {}
}

let client: StartedClient;
beforeAll(async () => {
  // One connection, whose prepared statements keep the plans that they were given first.
  const options = '-c plan_cache_mode=force_generic_plan';
  client = await startClient({ dataSource: { max: 1, extra: { options } } });
  // Which would have the plan made anew, for the table as it finds it.
  await client.dataSource.query('alter table river_job set (autovacuum_enabled = false)');
});
afterAll(() => client.stop());

async function sequentialScans(): Promise<number> {
  await client.dataSource.query('select pg_stat_force_next_flush()');
  const [row] = await client.dataSource.query<{ seq_scan: string }[]>(
    "select seq_scan from pg_stat_user_tables where relname = 'river_job'",
  );
  return Number(row?.seq_scan);
}

let n = 0;
test.each(
  Object.entries({
    insert: () => client.river.insert(new PlannedArgs(n++)),
    insertMany: () => client.river.insertMany([new PlannedArgs(n++), new PlannedArgs(n++)]),
  }),
)(
  '%s of unique jobs never scans a table that has grown since its plan was made',
  async (_name, insert) => {
    await client.dataSource.query('truncate river_job');
    for (let i = 0; i < 10; i++) await insert();
    await client.dataSource.query(
      `insert into river_job (args, kind, max_attempts, unique_key, unique_states)
     select '{}', 'other', 1, sha256(i::text::bytea), b'11111111' from generate_series(1, 20000) as i`,
    );
    const before = await sequentialScans();
    for (let i = 0; i < 10; i++) await insert();
    expect(await sequentialScans()).toBe(before);
  },
);
