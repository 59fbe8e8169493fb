import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { jobArgs } from 'nestjs-river';
import { createTestDatabase, spyStatements, type StatementSpy } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let spy: StatementSpy;
let client: StartedClient;
beforeAll(async () => {
  spy = await spyStatements(await createTestDatabase());
});
afterAll(() => spy.close());
afterEach(async () => {
  await client.stop();
});

/** One connection, so that what one call leaves behind the next one finds. */
async function start(preparedStatements?: boolean): Promise<void> {
  client = await startClient({
    database: spy.database,
    dataSource: { max: 1 },
    river: { preparedStatements, notify: false },
  });
  await client.dataSource.query('delete from river_job');
}

const namesDuring = async (work: () => Promise<unknown>): Promise<(string | undefined)[]> => {
  const { statements } = await spy.during(work);
  return statements.flatMap(({ sql, name }) => (sql.includes('INSERT') ? [name || undefined] : []));
};
const insert = (): Promise<unknown> => client.river.insert(jobArgs('prepared', {}));

/**
 * Inserts until both forms of its statement are prepared: every 20 ms one asks for triggers as well.
 *
 * @returns how often it inserted
 */
async function prepareBoth(work = insert): Promise<number> {
  const names = new Set<string | undefined>();
  let inserts = 0;
  for (; names.size < 2; inserts++) for (const name of await namesDuring(work)) names.add(name);
  return inserts;
}

test.each(['DISCARD ALL', 'DEALLOCATE ALL'])(
  'after %s an insert is sent once more without a name, and so are all after it on that connection',
  async (forget) => {
    await start();
    const before = await prepareBoth();
    await client.dataSource.query(forget);
    expect(await namesDuring(insert)).toEqual([expect.any(String), undefined]);
    expect(await namesDuring(insert)).toEqual([undefined]);
    expect(await countJobs(spy.database)).toBe(before + 2);
  },
);

test('a name that the session has already, as behind a pooler, is no error either', async () => {
  await start();
  const [name] = await namesDuring(insert);
  await client.stop();
  await start();
  await client.dataSource.query(`prepare ${name} as select 1`);
  expect(await namesDuring(insert)).toEqual([name, undefined]);
  expect(await countJobs(spy.database)).toBe(1);
});

test('a transaction whose prepared statement is gone rejects with what to do, and the next one succeeds', async () => {
  await start();
  const inTransaction = (): Promise<unknown> => client.transaction.run(insert);
  const before = await prepareBoth(inTransaction);
  await client.dataSource.query('DISCARD ALL');
  await expect(inTransaction()).rejects.toMatchObject({
    code: 'RIVER_DATABASE',
    sqlState: '26000',
    retryable: true,
    message: expect.stringContaining('preparedStatements: false') as unknown,
  });
  await inTransaction();
  expect(await countJobs(spy.database)).toBe(before + 1);
});

test('preparedStatements: false names none', async () => {
  await start(false);
  expect(await namesDuring(insert)).toEqual([undefined]);
  expect(await namesDuring(() => client.transaction.run(insert))).toEqual([undefined]);
});
