import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError, jobArgs, RiverError } from 'nestjs-river';
import type { EntityManager, EntitySubscriberInterface } from 'typeorm';
import { createTestDatabase, queryAll } from '../support/index.js';
import { FreezingProxy } from '../client/freezing-proxy.js';
import { countJobs, startClient, type StartedClient } from '../client/started-client.js';
import { KillingProxy } from './killing-proxy.js';

let client: StartedClient;
let killing: KillingProxy;
let freezing: FreezingProxy;
beforeAll(async () => {
  const database = await createTestDatabase();
  freezing = await FreezingProxy.open(database);
  killing = await KillingProxy.open(freezing.database);
  client = await startClient({
    database: killing.database,
    dataSource: { max: 1, extra: { query_timeout: 300, connectionTimeoutMillis: 200 } },
  });
  await queryAll(
    database,
    `create table deferred (id int unique deferrable initially deferred);
     create function refuses() returns trigger language plpgsql as
       $$ begin raise exception 'refused' using errcode = 'P0001', detail = 'secret'; end $$;
     create table refused (id int);
     create constraint trigger refuses after insert on refused deferrable initially deferred
       for each row execute function refuses()`,
  );
});
afterEach(async () => {
  freezing.cutFrozen();
  await queryAll(client.database, 'truncate river_job');
});
afterAll(async () => {
  await client.stop();
  await killing.close();
  await freezing.close();
});

const insert = (): Promise<unknown> => client.river.insert(jobArgs('x', {}));

async function errorOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RiverError);
  expect(await countJobs(client.database)).toBe(0);
  return error as DatabaseError;
}

/** The ways in which the library begins a transaction. */
const WAYS: Record<string, () => Promise<unknown>> = {
  run: () => client.transaction.run(insert),
  'run with options': () =>
    client.transaction.run({ isolation: 'SERIALIZABLE', lockTimeoutMs: 1_000 }, insert),
  'dataSource.transaction': () =>
    client.dataSource.transaction((manager: EntityManager) =>
      client.river.insertTx(manager, jobArgs('x', {})),
    ),
  insertManyFast: () => client.river.insertManyFast([jobArgs('x', {})]),
  'insert by a lock': () =>
    client.river.insert(jobArgs('x', {}), { uniqueOpts: { byArgs: true, byState: ['available'] } }),
};

const REFUSED = { name: 'DatabaseError', code: 'RIVER_DATABASE', outcome: 'not-stored' };

describe.each(Object.entries(WAYS))('the BEGIN of %s', (_way, begin) => {
  test.each(['before', 'at the answer of'] as const)(
    'that loses its connection %s it is rejected as not stored, and retryable',
    async (moment) => {
      killing.killAt(moment, /^(BEGIN|START TRANSACTION)/);
      const error = await errorOf(begin());
      expect(error).toMatchObject({ ...REFUSED, retryable: true, cause: expect.any(Error) });
      await killing.heard();
      await begin();
    },
  );

  test('that is not answered within query_timeout is rejected as not stored, and retryable', async () => {
    await client.dataSource.query('select');
    freezing.freezeNext(1);
    const error = await errorOf(begin());
    expect(error).toMatchObject({ ...REFUSED, retryable: true });
    expect(error.cause).toMatchObject({ message: 'Query read timeout' });
    freezing.cutFrozen();
    await begin();
  });

  test('that gets no connection of the pool is rejected as not stored, and retryable', async () => {
    const queryRunner = client.dataSource.createQueryRunner();
    await queryRunner.connect();
    try {
      expect(await errorOf(begin())).toMatchObject({ ...REFUSED, retryable: true });
    } finally {
      await queryRunner.release();
    }
  });
});

test('a setting that fails behind BEGIN is rejected as not stored', async () => {
  killing.killAt('before', /set_config/);
  const limited = client.transaction.run({ statementTimeoutMs: 1_000 }, insert);
  expect(await errorOf(limited)).toMatchObject({ ...REFUSED, retryable: true });
  await killing.heard();
});

test.each(['SAVEPOINT', 'RELEASE'])(
  'a %s that loses its connection is rejected as not stored, and retryable',
  async (command) => {
    killing.killAt('before', new RegExp(`^${command}`));
    const nested = client.transaction.run(() =>
      client.transaction.run({ propagation: 'NESTED' }, insert),
    );
    expect(await errorOf(nested)).toMatchObject({ ...REFUSED, retryable: true });
    await killing.heard();
  },
);

test('a SAVEPOINT behind a statement that failed names that as the reason', async () => {
  const nested = client.transaction.run(async (manager) => {
    await manager.query('select 1/0').catch(() => undefined);
    await client.transaction.run({ propagation: 'NESTED' }, insert);
  });
  expect(await errorOf(nested)).toMatchObject({ ...REFUSED, sqlState: '25P02', retryable: false });
});

test.each([
  ['a deferred constraint', 'insert into deferred values (1), (1)', '23505'],
  ['a deferred trigger', 'insert into refused values (1)', 'P0001'],
])(
  'a COMMIT that %s refuses is rejected as not stored, without values',
  async (_by, sql, sqlState) => {
    const work = (manager: EntityManager): Promise<unknown> => manager.query(sql).then(insert);
    for (const attempt of [client.transaction.run(work), client.dataSource.transaction(work)]) {
      const error = await errorOf(attempt);
      expect(error).toMatchObject({ ...REFUSED, sqlState, retryable: false });
      expect(error.cause).toMatchObject({ code: sqlState });
      expect(JSON.stringify(error)).not.toMatch(/secret|\(1\)/);
    }
  },
);

test('an error of a subscriber that is told of the BEGIN is passed on unchanged', async () => {
  const thrown = new Error('of the subscriber');
  const { subscribers } = client.dataSource;
  const own: EntitySubscriberInterface[] = [
    { beforeTransactionStart: () => Promise.reject(thrown) },
    { afterTransactionStart: ({ queryRunner }) => queryRunner.query('select 1/0') },
  ];
  const errors: unknown[] = [];
  for (const subscriber of own) {
    subscribers.push(subscriber);
    errors.push(await client.transaction.run(insert).catch((error: unknown) => error));
    subscribers.splice(subscribers.indexOf(subscriber), 1);
  }
  const [before, after] = errors;
  expect(before).toBe(thrown);
  expect(after).toMatchObject({ name: 'QueryFailedError', driverError: { code: '22012' } });
});
