import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DatabaseError, InsertManyParams, jobArgs, type RiverClient } from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 1 } });
  river = client.river;
});
afterEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(() => client.stop());

const failureOf = async (work: Promise<unknown>): Promise<DatabaseError> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  return error as DatabaseError;
};

const backend = async (): Promise<number> => {
  const rows: unknown = await client.dataSource.query('select pg_backend_pid() as pid');
  return Number((rows as { pid: number }[])[0]?.pid);
};

describe('25006', () => {
  test('outside a transaction is retryable, and its connection leaves the pool', async () => {
    const before = await backend();
    // As on a primary that has become a standby.
    await client.dataSource.query('set default_transaction_read_only = on');
    const error = await failureOf(river.insert(jobArgs('x', {})));
    expect(error).toMatchObject({ sqlState: '25006', outcome: 'not-stored', retryable: true });
    expect(error.message).toMatch(/not the primary any more/);
    await river.insert(jobArgs('x', {}));
    expect(await backend()).not.toBe(before);
  });

  test('closes the connection of a transaction of ours, too, unless it was declared read-only', async () => {
    const before = await backend();
    await client.dataSource.query('set default_transaction_read_only = on');
    const insert = (): Promise<unknown> => river.insert(jobArgs('x', {}));
    expect(await failureOf(client.transaction.run(insert))).toMatchObject({ retryable: true });
    expect(await backend()).not.toBe(before);
    const declared = client.transaction.run({ readOnly: true }, insert);
    expect(await failureOf(declared)).toMatchObject({ sqlState: '25006', retryable: false });
  });
});

test.each([
  ['25P03', 'idle_in_transaction_session_timeout'],
  ['25P04', 'transaction_timeout'],
])('%s ends the connection of a transaction: retryable, nothing stored', async (sqlState, name) => {
  const raw = await connect(client.database);
  const known = await raw.query('select from pg_settings where name = $1', [name]);
  // A server before 17 has no transaction_timeout. What one of 17 sends differs by the code only.
  const isKnown = known.rowCount === 1;
  const ended = new Promise((resolve) => raw.once('end', resolve));
  const errors: unknown[] = [];
  raw.on('error', (error) => errors.push(isKnown ? error : { ...error, code: sqlState }));
  await raw.query(`set ${isKnown ? name : 'idle_in_transaction_session_timeout'} = '20ms'`);
  await raw.query('begin');
  await river.insertTx(raw, jobArgs('x', {}));
  await ended;
  expect(errors[0]).toMatchObject({ code: sqlState });
  expect(new DatabaseError('insert', errors[0])).toMatchObject({
    sqlState,
    outcome: 'not-stored',
    retryable: true,
    endsConnection: true,
  });
  expect(await countJobs(client.database)).toBe(0);
});

describe('57014', () => {
  const LOCALIZED = `
    create function slow() returns trigger language plpgsql as $$
    begin
      perform pg_sleep(60);
    exception when query_canceled then
      raise exception 'storniere Anfrage' using errcode = '57014';
    end $$;
    create trigger slow before insert on river_job for each row
      when (new.kind = 'localized') execute function slow()`;
  const cancel = async (): Promise<void> => {
    const text = `select pg_cancel_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event in ('PgSleep', 'relation')`;
    while ((await queryAll(client.database, text)).length === 0);
  };
  beforeAll(() => queryAll(client.database, LOCALIZED));
  afterAll(() => queryAll(client.database, 'drop trigger slow on river_job; drop function slow'));
  afterEach(() => client.dataSource.query('set statement_timeout = 0'));

  test.each(['in English', 'localized'])('of statement_timeout, %s: retryable', async (kind) => {
    const holder = await connect(client.database);
    try {
      await holder.query('begin');
      if (kind !== 'localized') await holder.query('lock table river_job');
      await client.dataSource.query("set statement_timeout = '30ms'");
      const error = await failureOf(river.insert(jobArgs(kind.replace(' ', '_'), {})));
      expect(error).toMatchObject({ sqlState: '57014', outcome: 'not-stored', retryable: true });
      expect(error.message).toMatch(/longer than statement_timeout \(/);
    } finally {
      await holder.end();
    }
  });

  test.each(['english', 'localized'])('of a cancel, %s: not retryable', async (kind) => {
    const holder = await connect(client.database);
    try {
      await holder.query('begin');
      if (kind !== 'localized') await holder.query('lock table river_job');
      await client.dataSource.query("set statement_timeout = '1h'");
      const failed = failureOf(river.insert(jobArgs(kind, {})));
      await cancel();
      const error = await failed;
      expect(error).toMatchObject({ sqlState: '57014', outcome: 'not-stored', retryable: false });
      expect(error.message).toMatch(/was cancelled, as by pg_cancel_backend/);
    } finally {
      await holder.end();
    }
  });
});

describe('0A000, when a column has another type than when the statement was prepared', () => {
  const change = (type: string): Promise<unknown> =>
    queryAll(client.database, `alter table river_job alter column queue type ${type}`);
  afterEach(() => change('text'));

  test('outside a transaction is not noticed', async () => {
    const { job } = await river.insert(jobArgs('x', {}));
    await river.jobGet(job.id);
    await change('varchar(200)');
    expect(await river.jobGet(job.id)).toMatchObject({ id: job.id, queue: 'default' });
  });

  test('in a transaction fails it once, and is retryable', async () => {
    const { job } = await river.insert(jobArgs('x', {}));
    await queryAll(client.database, `select pg_terminate_backend($1, 5000)`, [await backend()]);
    await new Promise((resolve) => setImmediate(resolve));
    const get = (): Promise<unknown> => client.transaction.run(() => river.jobGet(job.id));
    await get().catch(() => get());
    await change('varchar(100)');
    const error = await failureOf(get());
    expect(error).toMatchObject({ sqlState: '0A000', outcome: 'not-stored', retryable: true });
    expect(error.message).toMatch(/prepared anew/);
    expect(await get()).toMatchObject({ id: job.id });
  });
});

describe('23505', () => {
  test('on the primary key names the sequence, not a unique job', async () => {
    const { job } = await river.insert(jobArgs('x', {}));
    await queryAll(client.database, `select setval('river_job_id_seq', ${job.id}, false)`);
    const error = await failureOf(river.insert(jobArgs('x', {})));
    expect(error).toMatchObject({ sqlState: '23505', outcome: 'not-stored', retryable: false });
    expect(error.message).toMatch(/sequence is behind the table.*setval/);
    expect(error.message).not.toMatch(/unique job/);
  });

  test("on an index of the application's own names that index", async () => {
    await queryAll(
      client.database,
      "create unique index own on river_job (kind) where kind = 'own'",
    );
    await river.insert(jobArgs('own', {}));
    const error = await failureOf(river.insert(jobArgs('own', {})));
    expect(error.message).toMatch(/application's own, own, refused/);
    await queryAll(client.database, 'drop index own');
  });
});

describe('a role with less rights', () => {
  const ROLE = `weak_${process.pid}`;
  beforeAll(async () => {
    await queryAll(
      client.database,
      `create role ${ROLE}; grant all on all tables in schema public to ${ROLE};
      grant all on all sequences in schema public to ${ROLE};
      grant usage on schema public to ${ROLE}`,
    );
    await queryAll(
      client.database,
      `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
       alter table river_job enable row level security;
       create policy visible on river_job for select using (queue = 'default');
       create policy added on river_job for insert with check (priority < 4)`,
    );
    await client.dataSource.query(`set role ${ROLE}`);
  });
  afterAll(async () => {
    await client.dataSource.query('reset role');
    await queryAll(
      client.database,
      `alter table river_job disable row level security; drop owned by ${ROLE}; drop role ${ROLE}`,
    );
  });

  test('is told of the policy that refuses its job', async () => {
    const error = await failureOf(river.insert(jobArgs('x', {}), { priority: 4 }));
    expect(error).toMatchObject({ sqlState: '42501', outcome: 'not-stored', retryable: false });
    expect(error.message).toMatch(/row-level security policy of river_job refused the row/);
  });

  test('is told that COPY is not possible under row-level security', async () => {
    const error = await failureOf(river.insertManyFast([jobArgs('x', {})]));
    expect(error.message).toMatch(/COPY is not possible.*insertMany/);
  });

  test('is told that it may not create temporary tables', async () => {
    const error = await failureOf(river.insertManyFast([jobArgs('x', {})], { onConflict: 'skip' }));
    expect(error).toMatchObject({ sqlState: '42501' });
    expect(error.message).toMatch(/temporary tables.*GRANT TEMPORARY/);
  });

  test('is told of an equal job that a policy hides, and not of a lost race', async () => {
    const uniqueOpts = { byArgs: true as const };
    const { job } = await river.insert(jobArgs('hidden', {}), { uniqueOpts });
    await queryAll(client.database, "update river_job set queue = 'other' where id = $1", [job.id]);
    const one = await failureOf(river.insert(jobArgs('hidden', {}), { uniqueOpts }));
    expect(one).toMatchObject({ sqlState: '42501', outcome: 'not-stored', retryable: false });
    expect(one.message).toMatch(/most likely a row-level security policy of river_job hides it/);
    const items = [1, 2].map((n) => InsertManyParams.of(jobArgs('many', { n }), { uniqueOpts }));
    await river.insertMany(items);
    await queryAll(client.database, "update river_job set queue = 'other'");
    expect((await failureOf(river.insertMany(items))).message).toMatch(/hides it/);
  });

  test('is not told of a trigger alone where a policy may hide an equal job', async () => {
    const uniqueOpts = { byArgs: true as const };
    const item = InsertManyParams.of(jobArgs('hidden', {}), { uniqueOpts });
    const { job } = await river.insert(jobArgs('hidden', {}), { uniqueOpts });
    await queryAll(client.database, "update river_job set queue = 'other' where id = $1", [job.id]);
    await queryAll(
      client.database,
      `create function same() returns trigger language plpgsql as $$ begin return new; end $$;
       create trigger same before insert on river_job for each row execute function same();
       grant temporary on database ${client.database.name} to ${ROLE}`,
    );
    try {
      const other = InsertManyParams.of(jobArgs('other', {}), { uniqueOpts });
      const forms = [
        () => river.insert(jobArgs('hidden', {}), { uniqueOpts }),
        () => river.insertMany([other, item]),
        () => river.insertManyFast([other, item], { onConflict: 'skip' }),
        () => client.transaction.run(() => river.insertMany([other, item])),
      ];
      for (const insert of forms) {
        const error = await failureOf(insert());
        expect(error).toMatchObject({ sqlState: '42501', outcome: 'not-stored', retryable: false });
        expect(error.message).toMatch(/Either a BEFORE INSERT trigger.*or an equal unique job/);
      }
      expect(await countJobs(client.database)).toBe(1);
    } finally {
      await queryAll(
        client.database,
        `drop trigger same on river_job; drop function same;
         revoke temporary on database ${client.database.name} from ${ROLE}`,
      );
    }
  });
});
