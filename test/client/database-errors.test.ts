import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError, jobArgs, RiverError, type RiverClient } from 'nestjs-river';
import { connect, queryAll, untilPoolIsEmpty } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const SECRET = 'a value that must not be told';

/** Makes the server raise what is asked for whenever a job of kind `raise_...` is inserted. */
const RAISE = `
  create function raise_sqlstate() returns trigger language plpgsql as $$
  begin
    raise exception 'raised for %', new.args using errcode = substr(new.kind, 7);
  end $$;
  create trigger raise_sqlstate before insert on river_job for each row
    when (new.kind like 'raise\\_%') execute function raise_sqlstate()`;

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({
    dataSource: { max: 1, extra: { options: '-c lock_timeout=100' } },
  });
  river = client.river;
  await queryAll(client.database, RAISE);
});
afterEach(() => queryAll(client.database, 'delete from river_job'));
afterAll(() => client.stop());

const failure = async (sqlState: string): Promise<DatabaseError> => {
  const error: unknown = await river
    .insert(jobArgs(`raise_${sqlState}`, { SECRET }), { metadata: { SECRET } })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DatabaseError);
  return error as DatabaseError;
};

describe('an error of the database', () => {
  test.each([
    ['23514', false],
    ['42501', false],
    ['P0001', false],
    ['22P02', false],
    ['40001', true],
    ['40P01', true],
    ['55P03', true],
    ['53300', true],
    ['57P01', true],
    ['08006', true],
  ])('keeps SQLSTATE %s; worth another try: %p', async (sqlState, retryable) => {
    const error = await failure(sqlState);
    expect(error).toMatchObject({ code: 'RIVER_DATABASE', sqlState, retryable });
    expect(error.message).toContain(`SQLSTATE ${sqlState}`);
    expect(RiverError.is(error)).toBe(true);
  });

  test("keeps the driver's error as its cause, and no SQL or value in its message", async () => {
    const error = await failure('P0001');
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.cause).toMatchObject({ fullMessage: expect.stringContaining(SECRET) });
    expect((error.cause as Error).message).not.toContain(SECRET);
    for (const told of [error.message, JSON.stringify(error)]) {
      expect(told).not.toContain(SECRET);
      expect(told).not.toMatch(/INSERT INTO/i);
    }
  });

  test('gives the connection back, and the next insert works', async () => {
    for (let round = 0; round < 3; round++) await failure('P0001');
    await river.insert(jobArgs('next', {}));
    expect(await countJobs(client.database)).toBe(1);
  });

  test('in a transaction fails the transaction, and nothing of it is stored', async () => {
    const error: unknown = await client.dataSource
      .transaction(async (manager) => {
        await river.insertTx(manager, jobArgs('before', {}));
        await river.insertTx(manager, jobArgs('raise_P0001', {}));
      })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DatabaseError', sqlState: 'P0001' });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('that is a lock time-out says so', async () => {
    const holder = await connect(client.database);
    try {
      await holder.query('begin; lock table river_job');
      await expect(river.insert(jobArgs('locked', {}))).rejects.toMatchObject({
        sqlState: '55P03',
        retryable: true,
      });
    } finally {
      await holder.end();
    }
  });

  test('that is a missing table says what to do', async () => {
    await queryAll(client.database, 'alter table river_job rename to moved');
    try {
      await expect(river.insert(jobArgs('lost', {}))).rejects.toMatchObject({
        sqlState: '42P01',
        message: expect.stringContaining("Run River's migrations") as unknown,
      });
    } finally {
      await queryAll(client.database, 'alter table moved rename to river_job');
    }
    await river.insert(jobArgs('found', {}));
  });

  test('that is a read-only transaction says so', async () => {
    const message: unknown = await client.dataSource
      .transaction(async (manager) => {
        await manager.query('set transaction read only');
        await river.insertTx(manager, jobArgs('read_only', {}));
      })
      .catch((error: Error) => error.message);
    expect(message).toContain(
      'read-only, or the server is not the primary any more, as after a failover (SQLSTATE 25006)',
    );
  });
});

describe('a connection that dies', () => {
  test('during an insert is an error worth another try, and the pool goes on', async () => {
    const holder = await connect(client.database);
    try {
      await holder.query('begin; set local lock_timeout = 0; lock table river_job');
      const slow = await startClient({ database: client.database, dataSource: { max: 1 } });
      try {
        const inserted = slow.river.insert(jobArgs('cut off', {})).catch((error: unknown) => error);
        const next = slow.river.insert(jobArgs('next in the queue', {}));
        await terminateWaiting(client);
        await holder.query('rollback');
        expect(await inserted).toMatchObject({ name: 'DatabaseError', retryable: true });
        await next;
        await slow.river.insert(jobArgs('afterwards', {}));
      } finally {
        await slow.stop();
      }
    } finally {
      await holder.end();
    }
    expect(await countJobs(client.database)).toBe(2);
  });

  test('while idle does not disturb the next insert', async () => {
    await client.dataSource.query('select 1');
    await queryAll(
      client.database,
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    await untilPoolIsEmpty(client.dataSource);
    await river.insert(jobArgs('next', {}));
    expect(await countJobs(client.database)).toBe(1);
  });
});

/** Ends the connections that wait for a lock, as soon as there is one. */
async function terminateWaiting({ database }: StartedClient): Promise<void> {
  for (let ended = 0; ended === 0;) {
    const rows = await queryAll(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    ended = rows.length;
  }
}
