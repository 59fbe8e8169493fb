import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { jobArgs, type RiverError } from 'nestjs-river';
import type { Pool, PoolClient } from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 1 } });
  // After the insert, so that the client goes the way of tables without triggers.
  await queryAll(
    client.database,
    `create function refuses() returns trigger language plpgsql as $$ begin
       if new.args ->> 'fatal' is not null then
         perform pg_terminate_backend(pg_backend_pid());
         perform pg_sleep(60);
       end if;
       raise exception 'refused' using errcode = new.args ->> 'sqlState';
     end $$;
     create trigger refuses after insert on river_job for each row
       when (new.kind = 'refused') execute function refuses()`,
  );
});
afterEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(() => client.stop());

type Form = (jobs: object[]) => Promise<unknown>;

/** Runs work in a transaction that the application ends itself. */
async function onRunner(work: (queryRunner: QueryRunner) => Promise<unknown>): Promise<unknown> {
  const queryRunner = client.dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    const result = await work(queryRunner);
    await queryRunner.commitTransaction();
    return result;
  } catch (error) {
    await queryRunner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await queryRunner.release();
  }
}

/** The same on a client that the application takes from the pool of the data source. */
async function onRawClient(work: (raw: PoolClient) => Promise<unknown>): Promise<unknown> {
  const { master } = client.dataSource.driver as unknown as { master: Pool };
  const raw = await master.connect();
  const ignore = (): void => undefined;
  raw.on('error', ignore);
  try {
    await raw.query('begin');
    const result = await work(raw);
    await raw.query('commit');
    return result;
  } catch (error) {
    await raw.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    raw.off('error', ignore).release();
  }
}

const FORMS: Record<string, Form> = {
  insert: ([job]) => client.river.insert(job as object),
  'insert, unique': ([job]) => client.river.insert(job as object, { uniqueOpts: { byArgs: true } }),
  'insert, unique by a lock': ([job]) =>
    client.river.insert(job as object, {
      uniqueOpts: { byArgs: true, byState: ['available', 'scheduled'] },
    }),
  insertMany: (jobs) => client.river.insertMany(jobs),
  insertManyFast: (jobs) => client.river.insertManyFast(jobs),
  'insert in run': ([job]) => client.transaction.run(() => client.river.insert(job as object)),
  'insertManyFast in run': (jobs) =>
    client.transaction.run(() => client.river.insertManyFast(jobs)),
  'insertTx in dataSource.transaction': ([job]) =>
    client.dataSource.transaction((manager: EntityManager) =>
      client.river.insertTx(manager, job as object),
    ),
  'insertTx on a query runner': ([job]) =>
    onRunner((queryRunner) => client.river.insertTx(queryRunner, job as object)),
  'insertManyFastTx on a query runner': (jobs) =>
    onRunner((queryRunner) => client.river.insertManyFastTx(queryRunner, jobs)),
  'insertTx on a client of pg': ([job]) =>
    onRawClient((raw) => client.river.insertTx(raw, job as object)),
};

/** Whether the same call may succeed in a new transaction, by SQLSTATE. */
const RETRYABLE: Record<string, boolean> = {
  '08001': true,
  '08006': true,
  '25001': false,
  '40001': true,
  '40P01': true,
  '53100': true,
  '53200': true,
  '53300': true,
  '55000': false,
  '55P03': true,
  '57P01': true,
  '57P03': true,
  '57014': false,
  '58000': false,
  '58030': false,
  XX000: false,
  XX001: false,
  P0001: false,
};

async function errorOf(work: Promise<unknown>): Promise<RiverError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'RIVER_DATABASE' });
  return error as RiverError;
}

const backend = async (): Promise<number> => {
  const rows: unknown = await client.dataSource.query('select pg_backend_pid() as pid');
  return Number((rows as { pid: number }[])[0]?.pid);
};

const refused = (args: object): object[] => [1, 2].map(() => jobArgs('refused', args));
const stored = (): object[] => [1, 2].map(() => jobArgs('stored', {}));

describe.each(Object.entries(FORMS))('%s', (_form, insert) => {
  test.each(Object.entries(RETRYABLE))(
    'rejects with SQLSTATE %s, of which nothing is stored (retryable: %s)',
    async (sqlState, retryable) => {
      const error = await errorOf(insert(refused({ sqlState })));
      expect(error).toMatchObject({ sqlState, outcome: 'not-stored', retryable });
      expect(await countJobs(client.database)).toBe(0);
      await insert(stored());
    },
  );

  test('keeps a connection on which the server refused the jobs', async () => {
    const before = await backend();
    await errorOf(insert(refused({ sqlState: '53100' })));
    expect(await backend()).toBe(before);
  });

  test('may be retried when the server closed the connection before the jobs were stored', async () => {
    const before = await backend();
    const error = await errorOf(insert(refused({ fatal: true })));
    expect(error).toMatchObject({ sqlState: '57P01', outcome: 'not-stored', retryable: true });
    expect(await countJobs(client.database)).toBe(0);
    expect(await backend()).not.toBe(before);
  });

  test('may be retried when the server takes no writes, on another connection', async () => {
    const before = await backend();
    // As on a primary that has become a standby.
    await client.dataSource.query('set default_transaction_read_only = on');
    const error = await errorOf(insert(stored()));
    expect(error).toMatchObject({ sqlState: '25006', outcome: 'not-stored', retryable: true });
    await insert(stored());
    expect(await backend()).not.toBe(before);
  });

  test('may be retried after statement_timeout, and not after a cancel', async () => {
    const trigger = (work: string): Promise<unknown> =>
      queryAll(
        client.database,
        `create or replace function waits() returns trigger language plpgsql as
           $$ begin ${work}; return null; end $$;
         create or replace trigger waits after insert on river_job for each row
           when (new.kind = 'stored') execute function waits()`,
      );
    try {
      await trigger('perform pg_sleep(60)');
      await client.dataSource.query("set statement_timeout = '30ms'");
      const timedOut = await errorOf(insert(stored()));
      expect(timedOut).toMatchObject({ sqlState: '57014', retryable: true });
      await client.dataSource.query('set statement_timeout = 0');
      await trigger('perform pg_cancel_backend(pg_backend_pid()); perform pg_sleep(60)');
      const cancelled = await errorOf(insert(stored()));
      expect(cancelled).toMatchObject({ sqlState: '57014', retryable: false });
      expect(await countJobs(client.database)).toBe(0);
    } finally {
      await client.dataSource.query('set statement_timeout = 0');
      await queryAll(client.database, 'drop trigger waits on river_job');
    }
  });
});

test('a write of the application that the server refused as read-only drops the connection', async () => {
  const before = await backend();
  await client.dataSource.query('set default_transaction_read_only = on');
  const write = client.transaction.run((manager) => manager.query('create table own (id int)'));
  await expect(write).rejects.toMatchObject({ driverError: { code: '25006' } });
  expect(await backend()).not.toBe(before);
});

test('a transaction that was declared read-only keeps its connection', async () => {
  const before = await backend();
  const insert = (): Promise<unknown> => client.river.insert(jobArgs('stored', {}));
  const declared = client.transaction.run({ readOnly: true }, insert);
  expect(await errorOf(declared)).toMatchObject({ sqlState: '25006', retryable: false });
  const own = client.transaction.run({ readOnly: true }, (manager) =>
    manager.query('create table own (id int)'),
  );
  await expect(own).rejects.toMatchObject({ driverError: { code: '25006' } });
  expect(await backend()).toBe(before);
});
