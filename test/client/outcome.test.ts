import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  DatabaseError,
  InsertOutcomeUnknownError,
  jobArgs,
  RiverError,
  type RiverClient,
} from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 2, extra: { query_timeout: 200 } } });
  river = client.river;
});
afterAll(() => client.stop());

/** Runs `work` while somebody else holds a lock on the table of jobs, and then waits for what is left. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const holder = await connect(client.database);
  try {
    await holder.query('begin; lock table river_job');
    const result = await work();
    await holder.query('rollback');
    const atWork = `select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`;
    while ((await queryAll(client.database, atWork)).length > 0);
    return result;
  } finally {
    await holder.end();
  }
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("when pg's query_timeout is reached", () => {
  test('an insert outside a transaction has an unknown outcome, and is not to be retried', async () => {
    const error = await whileLocked(() => failureOf(river.insert(jobArgs('late', {}))));
    expect(error).toBeInstanceOf(InsertOutcomeUnknownError);
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({
      name: 'InsertOutcomeUnknownError',
      code: 'RIVER_INSERT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      retryable: false,
      cause: { message: 'Query read timeout' },
    });
    expect((error as Error).message).toMatch(/not known whether it is stored.*uniqueOpts/s);
    // The server has gone on with it.
    expect(await countJobs(client.database, "kind = 'late'")).toBe(1);
  });

  test('those that share a statement are all told so', async () => {
    const errors = await whileLocked(() =>
      Promise.all(
        Array.from({ length: 4 }, (_, n) => failureOf(river.insert(jobArgs('shared', { n })))),
      ),
    );
    for (const error of errors)
      expect(error).toMatchObject({ outcome: 'unknown', retryable: false });
  });

  test('an insertMany of several statements is not stored, since COMMIT was not sent', async () => {
    const jobs = Array.from({ length: 5_001 }, () => jobArgs('several', {}));
    const error = await whileLocked(() => failureOf(river.insertMany(jobs)));
    expect(error).toMatchObject({ name: 'DatabaseError', outcome: 'not-stored', retryable: true });
    expect(await countJobs(client.database, "kind = 'several'")).toBe(0);
  });

  test('an insertTx cannot be committed any more, also where its error is swallowed', async () => {
    const { dataSource } = client;
    const raw = new pg.Client({ connectionString: client.database.url, query_timeout: 200 });
    await raw.connect();
    raw.on('error', () => undefined);
    await raw.query('begin');
    const error = await whileLocked(() => failureOf(river.insertTx(raw, jobArgs('swallowed', {}))));
    expect(error).toMatchObject({ name: 'DatabaseError', outcome: 'not-stored', retryable: true });
    expect(await failureOf(raw.query('commit'))).toBeInstanceOf(Error);
    expect(await countJobs(client.database, "kind = 'swallowed'")).toBe(0);

    const committed = await whileLocked(() =>
      failureOf(
        client.transaction.run(async (manager) => {
          await manager.query('select 1');
          await failureOf(river.insert(jobArgs('swallowed', {})));
        }),
      ),
    );
    expect(committed).toMatchObject({ outcome: 'not-stored' });
    expect(await countJobs(client.database, "kind = 'swallowed'")).toBe(0);
    await dataSource.query('select 1');
  });

  test('a call that changes a job is unknown, and one that reads is not stored', async () => {
    const { job } = await river.insert(jobArgs('changed', {}));
    const errors = await whileLocked(() =>
      Promise.all([failureOf(river.jobCancel(job.id)), failureOf(river.jobGet(job.id))]),
    );
    expect(errors).toMatchObject([
      { name: 'DatabaseError', outcome: 'unknown', retryable: false },
      { name: 'DatabaseError', outcome: 'not-stored', retryable: true },
    ]);
    expect((await river.jobGet(job.id)).state).toBe('cancelled');
  });
});

describe('the outcome of a call', () => {
  test('that is refused before anything is sent is not-stored, and so it is in JSON', async () => {
    const error = await failureOf(river.insert(jobArgs('x', {}), { priority: 9 }));
    expect(error).toMatchObject({ outcome: 'not-stored', retryable: false });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ outcome: 'not-stored' });
  });

  test('insertAndWait is unknown once the job is inserted, and its time-out is not to be retried', async () => {
    const waited = await failureOf(
      river.insertAndWait(jobArgs('waited', {}), {}, { timeoutMs: 1 }),
    );
    expect(waited).toMatchObject({
      name: 'WaitTimeoutError',
      outcome: 'unknown',
      retryable: false,
    });
    const { id } = waited as { id: string };
    const again = await failureOf(river.waitFor(id, { timeoutMs: 1 }));
    expect(again).toMatchObject({
      name: 'WaitTimeoutError',
      outcome: 'not-stored',
      retryable: true,
    });
  });

  test('of a duplicate that was waited for is not-stored', async () => {
    const opts = { uniqueOpts: { byArgs: true as const } };
    await river.insert(jobArgs('equal', {}), opts);
    const error = await failureOf(
      river.insertAndWait(jobArgs('equal', {}), opts, { timeoutMs: 1 }),
    );
    expect(error).toMatchObject({ outcome: 'not-stored', retryable: true });
  });

  test('never is retryable where it is unknown', () => {
    for (const code of ['57P01', '08006', '40001', 'ECONNRESET']) {
      const cause = Object.assign(new Error('x'), { code });
      expect(new InsertOutcomeUnknownError(cause).retryable).toBe(false);
      expect(RiverError.is(new InsertOutcomeUnknownError(cause))).toBe(true);
    }
  });
});
