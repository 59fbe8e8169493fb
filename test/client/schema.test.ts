import { describe, expect, test } from '@jest/globals';
import { JobArgs } from 'nestjs-river';
import { connect, createTestDatabase, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartOptions } from './started-client.js';

@JobArgs('sort', { uniqueOpts: { byArgs: true } })
class SortArgs {
  constructor(readonly strings: string[]) {}
}

/** Every kind of statement, and the channel on which the insert wakes workers. */
async function expectInserts(options: Required<Pick<StartOptions, 'database'>> & StartOptions) {
  const client = await startClient(options);
  const listener = await connect(options.database);
  const channels: string[] = [];
  listener.on('notification', ({ channel }) => channels.push(channel));
  await listener.query(`listen "${options.database.schema}.river_insert"`);
  try {
    const first = await client.river.insert(new SortArgs(['a']));
    const second = await client.river.insert(new SortArgs(['a']));
    expect(second).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
    await client.river.insert(new SortArgs(['b']), { uniqueOpts: null });
    await client.transaction.run(() => client.river.insert(new SortArgs(['c']), { queue: 'q' }));
    expect(await countJobs(options.database)).toBe(3);
    await listener.query('select 1');
    expect(channels[0]).toBe(`${options.database.schema}.river_insert`);
  } finally {
    await listener.end();
    await client.stop();
  }
}

describe("River's tables", () => {
  test.each(['jobs', 'Jobs', 'UPPER_9', '_x', 'a'.repeat(46)])(
    'are found in the schema %s by the option',
    async (schema) => {
      const database = await createTestDatabase({ schema });
      await expectInserts({ database, river: { schema } });
    },
  );

  test.each(['jobs', 'Jobs'])("are found in %s by the session's search_path", async (schema) => {
    const database = await createTestDatabase({ schema });
    const options = `-c search_path="${schema}",public`;
    await expectInserts({ database, dataSource: { extra: { options } } });
  });

  test('are those of the option, whatever the search_path finds first', async () => {
    const database = await createTestDatabase({ schema: 'jobs' });
    await queryAll(database, 'create table public.river_job (nothing int)');
    await expectInserts({ database, river: { schema: 'jobs' } });
  });

  test('are found when the search_path lacks public', async () => {
    const database = await createTestDatabase();
    await expectInserts({
      database,
      river: { schema: 'public' },
      dataSource: { extra: { options: '-c search_path=pg_catalog' } },
    });
  });
});

test('clients of two schemas in one database do not see each other', async () => {
  const database = await createTestDatabase({ schema: 'one' });
  await queryAll(database, 'create schema two');
  const other = { ...database, schema: 'two' };
  const { installRiver } = await import('../support/index.js');
  await installRiver(other);
  const one = await startClient({ database, river: { schema: 'one' } });
  const two = await startClient({ database, river: { schema: 'two' } });
  try {
    await one.river.insert(new SortArgs(['a']));
    const { uniqueSkippedAsDuplicated } = await two.river.insert(new SortArgs(['a']));
    expect(uniqueSkippedAsDuplicated).toBe(false);
    expect([await countJobs(database), await countJobs(other)]).toEqual([1, 1]);
  } finally {
    await one.stop();
    await two.stop();
  }
});
