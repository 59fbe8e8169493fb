import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { DatabaseError, JobRow, JobRunningError, type RiverClient } from 'nestjs-river';
import {
  asStored,
  storedJobs,
  startSpiedClient,
  type SpiedClient,
} from '../client/started-client.js';
import { connect, queryAll, type StatementSpy } from '../support/index.js';
import { plantJob, plantJobs } from './planted-jobs.js';
import { untilSomebodyWaits } from './waiting.js';

let spy: StatementSpy;
let client: SpiedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startSpiedClient();
  ({ river, spy } = client);
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

const CHANGES = {
  jobCancel: (id: string) => river.jobCancel(id),
  jobRetry: (id: string) => river.jobRetry(id),
  jobDelete: (id: string) => river.jobDelete(id),
  jobUpdate: (id: string) => river.jobUpdate(id, { output: 1 }),
};
const NAMES = Object.keys(CHANGES) as (keyof typeof CHANGES)[];

describe('a call about a job', () => {
  test.each([...NAMES, 'jobGet'] as const)(
    '%s is one statement in one round trip',
    async (name) => {
      const [first, second] = (await plantJobs(client.database, [
        { state: 'scheduled' },
        { state: 'scheduled' },
      ])) as [string, string];
      const call = (id: string): Promise<unknown> =>
        name === 'jobGet' ? river.jobGet(id) : CHANGES[name](id);
      await call(first);
      const { statements, roundTrips } = await spy.during(() => call(second));
      expect(statements).toHaveLength(1);
      expect(roundTrips).toBe(1);
    },
  );

  test.each(['jobCancel', 'jobRetry', 'jobUpdate'] as const)(
    '%s answers the row as it is stored',
    async (name) => {
      const id = await plantJob(client.database, { state: 'retryable', attempt: 1 });
      const answer = await CHANGES[name](id);
      expect(answer).toBeInstanceOf(JobRow);
      expect([asStored(answer)]).toEqual(await storedJobs(client.database));
    },
  );

  test('takes the id as a row is printed to JSON', async () => {
    const id = await plantJob(client.database, {});
    const printed = JSON.parse(JSON.stringify(await river.jobGet(id))) as { id: string };
    expect(await river.jobCancel(printed.id)).toMatchObject({ id, state: 'cancelled' });
    expect(await river.jobDelete(Number(id))).toMatchObject({ id });
  });
});

describe('jobUpdate', () => {
  test('sets keys of the metadata, and leaves the others', async () => {
    const id = await plantJob(client.database, { metadata: { a: 1, b: 2, output: 'old' } });
    const { metadata } = await river.jobUpdate(id, { metadata: { b: [3], c: 2n ** 60n } });
    expect(metadata).toEqual({ a: 1, b: [3], c: String(2n ** 60n), output: 'old' });
  });

  test('sets the output, which wins over a key of that name', async () => {
    const id = await plantJob(client.database, { metadata: { a: 1 } });
    const changes = { metadata: { output: 'lost', b: 2 }, output: { kept: [null] } };
    const { metadata } = await river.jobUpdate(id, changes);
    expect(metadata).toEqual({ a: 1, b: 2, output: { kept: [null] } });
  });

  test.each([false, 0, '', null, [], 'é\u2028'])('sets the output %p', async (output) => {
    const id = await plantJob(client.database, {});
    expect((await river.jobUpdate(id, { output })).metadata).toEqual({ output });
  });

  test.each([{}, { output: undefined, metadata: undefined }, { metadata: {} }])(
    'changes nothing by %p',
    async (params) => {
      const id = await plantJob(client.database, { metadata: { a: 1 } });
      expect((await river.jobUpdate(id, params)).metadata).toEqual({ a: 1 });
    },
  );
});

describe('in a transaction', () => {
  test('calls without a tx join the one that the running code is in', async () => {
    const [a, b, c] = (await plantJobs(client.database, [
      {},
      {},
      { attempt: 1, state: 'discarded' },
    ])) as [string, string, string];
    const undone = client.transaction.run(async () => {
      await river.jobCancel(a);
      await river.jobDelete(b);
      await river.jobRetry(c);
      expect((await river.jobList({ states: ['available', 'cancelled'] })).jobs).toHaveLength(2);
      expect(await storedJobs(client.database, `state = 'available'`)).toHaveLength(2);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    const states = (await storedJobs(client.database)).map(({ state }) => state);
    expect(states).toEqual(['available', 'available', 'discarded']);
  });

  test('a job that was just inserted can be changed, and is not there for others', async () => {
    await client.dataSource.transaction(async (manager) => {
      const { job } = await river.insertTx(manager, { kind: 'fresh' });
      const outside = client.transaction.outside(() => river.jobGet(job.id));
      await expect(outside).rejects.toMatchObject({
        name: 'JobNotFoundError',
        code: 'RIVER_JOB_NOT_FOUND',
        id: job.id,
      });
      expect(await river.jobCancelTx(manager, job.id)).toMatchObject({ state: 'cancelled' });
      expect(await river.jobDeleteTx(manager, job.id)).toMatchObject({ state: 'cancelled' });
    });
    expect(await storedJobs(client.database)).toEqual([]);
  });

  test('a job that is not there leaves the transaction usable', async () => {
    const id = await plantJob(client.database, {});
    await client.transaction.run(async () => {
      for (const name of NAMES) await expect(CHANGES[name]('999')).rejects.toThrow('no job 999');
      await river.jobCancel(id);
    });
    expect(await river.jobGet(id)).toMatchObject({ state: 'cancelled' });
  });
});

describe('while another transaction changes the job', () => {
  let other: pg.Client;
  beforeAll(async () => {
    other = await connect(client.database);
  });
  afterAll(() => other.end());

  /** Begins a call that waits for the change, and answers what became of it after the COMMIT. */
  async function during<T>(change: string, id: string, call: () => Promise<T>): Promise<T> {
    await other.query('begin');
    await other.query(change, [String(id)]);
    const answer = call();
    answer.catch(() => undefined);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    return await answer;
  }

  const BEGIN = `update river_job set state = 'running', attempt = attempt + 1 where id = $1`;
  const COMPLETE = `update river_job set state = 'completed', finalized_at = now() where id = $1`;
  const DELETE = 'delete from river_job where id = $1';

  test('a cancellation judges what it left: begun meanwhile, it is left to the worker', async () => {
    const id = await plantJob(client.database, {});
    const job = await during(BEGIN, id, () => river.jobCancel(id));
    expect(job).toMatchObject({ state: 'running', attempt: 1, finalizedAt: null });
    expect(job.metadata).toHaveProperty('cancel_attempted_at');
  });

  test('a cancellation answers the row of a job that was completed meanwhile', async () => {
    const id = await plantJob(client.database, { state: 'running' });
    const job = await during(COMPLETE, id, () => river.jobCancel(id));
    expect(job).toMatchObject({ state: 'completed', metadata: {} });
  });

  test('a deletion refuses a job that was begun meanwhile, and keeps it', async () => {
    const id = await plantJob(client.database, {});
    await expect(during(BEGIN, id, () => river.jobDelete(id))).rejects.toMatchObject({
      name: 'JobRunningError',
      code: 'RIVER_JOB_RUNNING',
      id,
      retryable: true,
    });
    expect(await river.jobGet(id)).toMatchObject({ state: 'running' });
  });

  test('a retry answers the row of a job that was begun meanwhile', async () => {
    const id = await plantJob(client.database, { state: 'retryable', attempt: 1 });
    expect(await during(BEGIN, id, () => river.jobRetry(id))).toMatchObject({
      state: 'running',
      attempt: 2,
    });
  });

  test.each(NAMES)('%s does not find a job that was deleted meanwhile', async (name) => {
    const id = await plantJob(client.database, {});
    await expect(during(DELETE, id, () => CHANGES[name](id))).rejects.toThrow(`no job ${id}`);
  });

  test('of two deletions one finds it', async () => {
    const id = await plantJob(client.database, {});
    const both = await Promise.allSettled([river.jobDelete(id), river.jobDelete(id)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('a deletion of many passes over the locked ones', async () => {
    const ids = await plantJobs(client.database, [{}, {}, {}]);
    await other.query('begin');
    await other.query('select from river_job where id = $1 for update', [String(ids[1])]);
    const { jobs } = await river.jobDeleteMany({ kinds: ['planted'] });
    await other.query('rollback');
    expect(jobs.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });
});

describe('a row that no client would write', () => {
  const WEIRD = {
    args: [1, 2],
    attempted_by: ['a', null as unknown as string],
    created_at: '-infinity',
    errors: ['text', null, { at: 'never', attempt: 'x' }, 5],
    scheduled_at: 'infinity',
    queue: 'UPPER case, "quoted" \\ é',
    kind: 'no kind at all; \n',
    tags: ['', 'a,b', '{}'],
    unique_key: '\\x',
    unique_states: '00000000',
  };

  test.each([[['a', 'list']], ['text'], [5], [true], [{ cancel_attempted_at: { odd: true } }]])(
    'with the metadata %j is shown, cancelled, retried and deleted',
    async (metadata) => {
      const id = await plantJob(client.database, { ...WEIRD, metadata });
      expect(await river.jobGet(id)).toMatchObject({ args: [1, 2], queue: WEIRD.queue });
      expect((await river.jobList({ orderBy: 'scheduledAt' })).jobs).toHaveLength(1);
      expect(await river.jobCancel(id)).toMatchObject({ state: 'cancelled' });
      const retried = await river.jobRetry(id);
      expect(retried).toMatchObject({ state: 'available', finalizedAt: null });
      expect(JSON.parse(JSON.stringify(retried))).toMatchObject({
        id: String(id),
        createdAt: null,
      });
      expect(await river.jobDelete(id)).toMatchObject({ id });
    },
  );

  test('is not spoilt by a cancellation: metadata that are no object stay', async () => {
    const id = await plantJob(client.database, { metadata: ['cancel_attempted_at'] });
    expect((await river.jobCancel(id)).metadata).toEqual(['cancel_attempted_at']);
    expect((await river.jobRetry(id)).metadata).toEqual(['cancel_attempted_at']);
    const running = await plantJob(client.database, {
      state: 'running',
      attempted_at: '2020-01-01T00:00:00Z',
      metadata: 7,
    });
    expect((await river.jobRescue(running)).metadata).toBe(7);
  });

  test.each([{ metadata: { a: 1 } }, { output: 1 }, { metadata: { a: 1 }, priority: 2 }])(
    'is not spoilt by an update: the keys of %j need metadata that are an object',
    async (params) => {
      for (const metadata of [[1], 'text', 7, true]) {
        const id = await plantJob(client.database, { metadata });
        const error = { code: 'RIVER_INVALID_PARAMS', field: 'metadata' };
        await expect(river.jobUpdate(id, params)).rejects.toMatchObject(error);
        const job = await river.jobUpdate(id, { priority: 4 });
        expect(job).toMatchObject({ metadata, priority: 4 });
        expect(await river.jobUpdate(id, {})).toMatchObject({ metadata });
      }
    },
  );
});

test('jobDeleteMany never deletes what runs, and all the rest if all is meant', async () => {
  await plantJobs(client.database, [{ state: 'running' }, {}, { state: 'discarded' }]);
  expect((await river.jobDeleteMany({ states: ['running'] })).jobs).toEqual([]);
  expect((await river.jobDeleteMany({ kinds: ['other'] })).jobs).toEqual([]);
  expect((await river.jobDeleteMany({ ids: [] })).jobs).toEqual([]);
  expect((await river.jobDeleteMany({ unsafeAll: true, first: 1 })).jobs).toHaveLength(1);
  expect((await river.jobDeleteMany({ unsafeAll: true })).jobs).toHaveLength(1);
  expect(await storedJobs(client.database)).toMatchObject([{ state: 'running' }]);
});

test('jobDeleteMany takes the filters of jobList', async () => {
  await plantJobs(client.database, [
    { kind: 'a', tags: ['red', 'old'], metadata: { tenant: 1 } },
    { kind: 'b', tags: ['red'], metadata: { tenant: 2 } },
    { kind: 'c', created_at: '2021-01-01', metadata: { tenant: 1 } },
  ]);
  const kinds = async (params: Parameters<RiverClient['jobDeleteMany']>[0]): Promise<string[]> =>
    (await river.jobDeleteMany(params)).jobs.map(({ kind }) => kind);
  expect(
    await kinds({ metadata: { tenant: 1 }, createdAt: { from: new Date('2021-01-01') } }),
  ).toEqual(['c']);
  expect(await kinds({ tagsAll: ['old', 'red'] })).toEqual(['a']);
  expect(await kinds({ tagsAny: ['x', 'red'] })).toEqual(['b']);
});

test('errors of the database name the call and stay errors of the database', async () => {
  const id = await plantJob(client.database, {
    attempt: 32_767,
    max_attempts: 32_767,
    state: 'discarded',
  });
  const failed = river.jobRetry(id);
  await expect(failed).rejects.toBeInstanceOf(DatabaseError);
  await expect(failed).rejects.toThrow(/^jobRetry failed in the database/);
  expect(new JobRunningError('5')).toMatchObject({ name: 'JobRunningError', field: 'id' });
});
