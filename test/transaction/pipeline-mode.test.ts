import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { jobArgs } from 'nestjs-river';
import { startClient, countJobs, type StartedClient } from '../client/started-client.js';
import { connect, createTestDatabase, spyStatements, type StatementSpy } from '../support/index.js';

let spy: StatementSpy;
let client: StartedClient;
beforeAll(async () => {
  spy = await spyStatements(await createTestDatabase());
  client = await startClient({
    database: spy.database,
    dataSource: { max: 1, extra: { pipeline: true } },
    river: { notify: false },
  });
});
afterEach(() => client.dataSource.query('delete from river_job'));
afterAll(async () => {
  await client.stop();
  await spy.close();
});

const five = (kind: string): Promise<unknown>[] =>
  Array.from({ length: 5 }, (_, n) => client.river.insert(jobArgs(kind, { n })));

describe('on clients in the pipeline mode of pg', () => {
  test('inserts of one transaction that are begun together travel together', async () => {
    const { roundTrips } = await spy.during(() =>
      client.transaction.run(() => Promise.all(five('together'))),
    );
    // BEGIN, the five, COMMIT.
    expect(roundTrips).toBeLessThanOrEqual(3);
    expect(await countJobs(spy.database)).toBe(5);
  });

  test('COMMIT waits for what nobody awaited, and one that failed fails it all', async () => {
    await client.transaction.run(() => void five('unawaited'));
    expect(await countJobs(spy.database)).toBe(5);
    const failing = client.transaction.run((manager) => {
      void five('lost');
      void manager.query('select 1 / 0');
      void five('lost');
    });
    await expect(failing).rejects.toThrow();
    expect(await countJobs(spy.database)).toBe(5);
  });

  test('a savepoint has the connection to itself', async () => {
    const outcomes = await client.transaction.run(() =>
      Promise.allSettled([
        ...five('outer'),
        client.transaction.run({ propagation: 'NESTED' }, async () => {
          await Promise.all(five('undone'));
          throw new Error('undone');
        }),
        ...five('outer'),
        client.transaction.run({ propagation: 'NESTED' }, () => Promise.all(five('inner'))),
      ]),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => 'fulfilled'),
      'rejected',
      ...Array.from({ length: 6 }, () => 'fulfilled'),
    ]);
    expect(await countJobs(spy.database, "kind = 'outer'")).toBe(10);
    expect(await countJobs(spy.database, "kind = 'inner'")).toBe(5);
    expect(await countJobs(spy.database)).toBe(15);
  });

  test('insertMany, unique jobs and duplicates work', async () => {
    const unique = { uniqueOpts: { byArgs: true } };
    const first = await client.river.insert(jobArgs('unique', {}), unique);
    const again = await client.river.insert(jobArgs('unique', {}), unique);
    expect(again).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
    await client.river.insertMany([jobArgs('a', {}), jobArgs('b', {})]);
    expect(await countJobs(spy.database)).toBe(3);
  });

  test('insertTx takes one round trip in a transaction of TypeORM', async () => {
    const { roundTrips } = await spy.during(() =>
      client.dataSource.transaction((manager) =>
        Promise.all([
          client.river.insertTx(manager, jobArgs('tx', {})),
          client.river.insertTx(manager, jobArgs('tx', {})),
        ]),
      ),
    );
    expect(roundTrips).toBe(3);
    expect(await countJobs(spy.database)).toBe(2);
  });
});

test('a transaction that is given up does not wait for a statement that does', async () => {
  const holder = await connect(spy.database);
  await holder.query('begin; lock table river_job in share mode');
  const waiting = client.transaction.run({ timeoutMs: 200 }, () =>
    client.river.insert(jobArgs('waits', {})),
  );
  await expect(waiting).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ABORTED' });
  await holder.query('rollback');
  await holder.end();
  await client.river.insert(jobArgs('after', {}));
  expect(await countJobs(spy.database, "kind = 'after'")).toBe(1);
});

test('behind a failed statement the others fail, and go on being prepared afterwards', async () => {
  const failing = client.transaction.run((manager) =>
    Promise.allSettled([manager.query('select 1 / 0'), ...five('lost')]),
  );
  await expect(failing).rejects.toThrow();
  const { statements } = await spy.during(() =>
    client.transaction.run(() => client.river.insert(jobArgs('named', {}))),
  );
  expect(statements.find(({ sql }) => sql.includes('INSERT'))?.name).toMatch(/^river_/);
});
