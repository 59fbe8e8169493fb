import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  JOB_STATES,
  JobArgs,
  jobArgs,
  UniqueArg,
  type InsertOptions,
  type JobRow,
  type JobState,
  type JobUpdateParams,
  type RiverClient,
} from 'nestjs-river';
import { startClient, storedJobs, type StartedClient } from '../client/started-client.js';
import { connect, queryAll } from '../support/index.js';
import { plantJob } from './planted-jobs.js';
import { untilSomebodyWaits } from './waiting.js';

@JobArgs('plain')
class Plain {
  constructor(readonly n: number) {}
}

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(
    readonly n: number,
    readonly nested = { zebra: 1, a: [1.5, null, 'é<'] },
  ) {}
}

@JobArgs('marked', { uniqueOpts: { byArgs: true, byQueue: true } })
class Marked {
  @UniqueArg() readonly id: number;
  constructor(
    id: number,
    readonly note = '',
  ) {
    this.id = id;
  }
}

@JobArgs('hourly', { uniqueOpts: { byArgs: true, byPeriod: 3_600 } })
class Hourly {
  constructor(readonly n: number) {}
}

@JobArgs('locked', { uniqueOpts: { byArgs: true, byState: ['available'] } })
class Locked {
  constructor(readonly n: number) {}
}

const WAITING: readonly JobState[] = ['available', 'pending', 'retryable', 'scheduled'];

let client: StartedClient;
let river: RiverClient;
let other: pg.Client;
beforeAll(async () => {
  // Without a cooldown, no notification is put off until a later test listens.
  client = await startClient({ river: { notify: { cooldownMs: 0 } } });
  river = client.river;
  other = await connect(client.database);
});
afterAll(async () => {
  await other.end();
  await client.stop();
});
beforeEach(() => queryAll(client.database, 'truncate river_job'));

const insert = async (args: object, opts?: InsertOptions): Promise<string> =>
  (await river.insert(args, opts)).job.id;

/** Expects the update to fail with the code, and to change nothing. */
async function expectRejected(id: string, params: JobUpdateParams, error: object): Promise<void> {
  const before = await storedJobs(client.database);
  await expect(river.jobUpdate(id, params)).rejects.toMatchObject(error);
  expect(await storedJobs(client.database)).toEqual(before);
}

/** Expects a new insert to find the job as its equal. */
async function expectEqual(id: string, args: object, opts?: InsertOptions): Promise<void> {
  const { job, uniqueSkippedAsDuplicated } = await river.insert(args, opts);
  expect({ id: job.id, uniqueSkippedAsDuplicated }).toEqual({
    id,
    uniqueSkippedAsDuplicated: true,
  });
}

/** Expects a new insert not to find the job, and takes the new one away again. */
async function expectNotEqual(args: object, opts?: InsertOptions): Promise<void> {
  const { job, uniqueSkippedAsDuplicated } = await river.insert(args, opts);
  expect(uniqueSkippedAsDuplicated).toBe(false);
  await river.jobDelete(job.id);
}

describe('jobUpdate of a job that waits', () => {
  test.each(WAITING)('changes its args, queue and priority when it is %s', async (state) => {
    const id = await plantJob(client.database, { kind: 'plain', state, args: { n: 1 } });
    const params = { args: new Plain(2), queue: 'slow', priority: 3, metadata: { by: 'hand' } };
    const job = await river.jobUpdate(id, params);
    expect(job).toMatchObject({
      state,
      args: { n: 2 },
      queue: 'slow',
      priority: 3,
      metadata: { by: 'hand' },
      scheduledAt: new Date('2020-01-01T00:00:00Z'),
    });
    expect(job).toEqual(await river.jobGet(id));
  });

  test.each([
    ['available', 'scheduled'],
    ['scheduled', 'scheduled'],
    ['retryable', 'retryable'],
    ['pending', 'pending'],
  ] as const)('by its time: from %s to %s', async (state, after) => {
    const scheduledAt = new Date('2090-01-01T00:00:00.005Z');
    const id = await plantJob(client.database, { state });
    expect(await river.jobUpdate(id, { scheduledAt })).toMatchObject({ state: after, scheduledAt });
    const delayed = await river.jobUpdate(id, { delay: 60_000 });
    expect(delayed.state).toBe(after);
    expect(Math.abs(delayed.scheduledAt.getTime() - Date.now() - 60_000)).toBeLessThan(30_000);
    const now = await river.jobUpdate(id, { delay: 0 });
    expect(now.state).toBe(state === 'pending' ? 'pending' : 'available');
    expect(Math.abs(now.scheduledAt.getTime() - Date.now())).toBeLessThan(30_000);
  });

  test('joins a transaction, and is undone with it', async () => {
    const id = await insert(new Unique(1));
    const before = await storedJobs(client.database);
    const undone = client.dataSource.transaction(async (manager) => {
      const args = new Unique(3);
      const changed = await river.jobUpdateTx(manager, id, { args, queue: 'a' });
      expect(changed).toMatchObject({ queue: 'a', args: { n: 3 } });
      expect(await river.jobUpdate(id, { args: new Unique(2) })).toMatchObject({ queue: 'a' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await storedJobs(client.database)).toEqual(before);
  });
});

describe('jobUpdate rejects, and changes nothing,', () => {
  const final = JOB_STATES.filter((state) => !WAITING.includes(state));
  test.each(final)('a job that is %s', async (state) => {
    const id = await plantJob(client.database, { state, kind: 'plain' });
    const error = { name: 'JobNotWaitingError', code: 'RIVER_JOB_NOT_WAITING', id };
    for (const params of [
      { args: new Plain(1) },
      { queue: 'a' },
      { priority: 2 },
      { delay: 1 },
      { scheduledAt: new Date(), output: 1 },
    ]) {
      await expectRejected(id, params, error);
    }
  });

  test('a job that a worker begins at the same time', async () => {
    const id = await insert(new Plain(1));
    await other.query('begin');
    await other.query(`update river_job set state = 'running' where id = $1`, [id]);
    const update = river.jobUpdate(id, { args: new Plain(2) });
    update.catch(() => undefined);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    await expect(update).rejects.toMatchObject({ code: 'RIVER_JOB_NOT_WAITING' });
    expect((await river.jobGet(id)).args).toEqual({ n: 1 });
  });

  test('args of another kind, and a job that is not there', async () => {
    const id = await insert(new Plain(1));
    const error = { code: 'RIVER_INVALID_PARAMS', field: 'args' };
    await expectRejected(id, { args: new Unique(1) }, error);
    await expectRejected('999', { queue: 'a' }, { code: 'RIVER_JOB_NOT_FOUND' });
  });
});

describe('the unique key', () => {
  test('is that of a new insert with the new args, nested ones and their order included', async () => {
    const id = await insert(new Unique(1));
    await river.jobUpdate(id, { args: new Unique(2) });
    await expectEqual(id, new Unique(2));
    await expectNotEqual(new Unique(1));
  });

  test('stays when what it is made of stays', async () => {
    const id = await insert(new Marked(1, 'old'));
    const { uniqueKey } = await river.jobGet(id);
    const changed = await river.jobUpdate(id, { args: new Marked(1, 'new'), priority: 2 });
    expect(changed).toMatchObject({ uniqueKey, args: { note: 'new' } });
    await expectEqual(id, new Marked(1));
  });

  test('follows the queue where it is made of it', async () => {
    const id = await insert(new Marked(1));
    await river.jobUpdate(id, { args: new Marked(2), queue: 'slow' });
    await expectEqual(id, new Marked(2), { queue: 'slow' });
    await expectNotEqual(new Marked(2));
    await expectNotEqual(new Marked(1));
  });

  test('follows the period of the new time', async () => {
    const at = (hour: number): Date => new Date(Date.UTC(2090, 0, 1, hour, 30));
    const id = await insert(new Hourly(1), { scheduledAt: at(1) });
    await river.jobUpdate(id, { args: new Hourly(1), scheduledAt: at(5) });
    await expectEqual(id, new Hourly(1), { scheduledAt: at(5) });
    await expectNotEqual(new Hourly(1), { scheduledAt: at(1) });
    await river.jobUpdate(id, { args: new Hourly(2) });
    await expectEqual(id, new Hourly(2), { scheduledAt: at(5) });
  });

  test('has the states of an insert with these options', async () => {
    const byState = ['available', 'pending', 'running', 'scheduled'] as const;
    const uniqueOpts = { byArgs: true, byState };
    const [id, like] = [await insert(new Unique(1)), await insert(new Unique(2), { uniqueOpts })];
    const { uniqueKey, uniqueStates } = await river.jobGet(like);
    await river.jobDelete(like);
    const changed = await river.jobUpdate(id, { args: new Unique(2), uniqueOpts });
    expect(changed).toMatchObject({ uniqueKey, uniqueStates });
    expect(await river.jobGet(id)).toEqual(changed);
    const back = [...byState, 'completed', 'retryable'] as const;
    await river.jobUpdate(id, { args: new Unique(2), uniqueOpts: { byArgs: true, byState: back } });
    await expectEqual(id, new Unique(2));
    expect((await river.jobGet(id)).uniqueStates).toEqual(
      (await river.insert(new Unique(3))).job.uniqueStates,
    );
  });

  test('and its new states are checked against the places of others', async () => {
    const byState = ['available', 'pending', 'running', 'scheduled'] as const;
    const uniqueOpts = { byArgs: true, byState };
    const id = await insert(new Unique(1), { uniqueOpts });
    await queryAll(client.database, `update river_job set state = 'retryable'`);
    const taken = await insert(new Unique(1), { uniqueOpts });
    const error = { code: 'RIVER_JOB_UNIQUE_CONFLICT', conflictingId: taken };
    const wider = { byArgs: true, byState: [...byState, 'retryable'] as const };
    await client.transaction.run(async () => {
      const update = river.jobUpdate(id, { args: new Unique(1), uniqueOpts: wider });
      await expect(update).rejects.toMatchObject(error);
      await river.jobUpdate(id, { args: new Unique(1), uniqueOpts });
    });
  });

  test('is not made by options for a job that has none', async () => {
    const id = await insert(new Plain(1));
    const error = { code: 'RIVER_INVALID_PARAMS', field: 'uniqueOpts' };
    await expectRejected(id, { args: new Plain(2), uniqueOpts: { byArgs: true } }, error);
  });

  test('keeps its states where none are given', async () => {
    const byState = ['available', 'pending', 'running', 'scheduled'] as const;
    const uniqueOpts = { byArgs: true, byState };
    const id = await insert(new Plain(1), { uniqueOpts });
    const { uniqueStates } = await river.jobGet(id);
    const changed = await river.jobUpdate(id, { args: new Plain(2), uniqueOpts: { byArgs: true } });
    expect(changed.uniqueStates).toEqual(uniqueStates);
    await expectEqual(id, new Plain(2), { uniqueOpts });
  });

  test.each<[string, InsertOptions['uniqueOpts']]>([
    ['args', { byArgs: true }],
    ['args and queue', { byArgs: true, byQueue: true }],
    ['queue', { byQueue: true }],
    ['args of any kind', { byArgs: true, excludeKind: true }],
    ['kind', { byState: [] }],
  ])('by %s is known from the row, where queue and time change alone', async (_by, uniqueOpts) => {
    const args = jobArgs('bare', { b: 1, a: '<é>', list: [1, { x: 1 }] });
    const id = await insert(args, { uniqueOpts });
    await river.jobUpdate(id, { queue: 'slow', delay: 60_000 });
    await expectEqual(id, args, { uniqueOpts, queue: 'slow' });
    if (uniqueOpts?.byQueue) await expectNotEqual(args, { uniqueOpts });
  });

  test('that cannot be known is not left as it was', async () => {
    const error = { code: 'RIVER_UNIQUE_KEY_UNKNOWN', name: 'InvalidParamsError', field: 'args' };
    const nested = await insert(new Unique(1));
    await expectRejected(nested, { queue: 'slow' }, error);
    await expectRejected(nested, { args: jobArgs('unique', { n: 2 }) }, error);
    const hourly = await insert(new Hourly(1));
    await expectRejected(hourly, { delay: 5_000 }, error);
    const plain = await insert(new Plain(1), { uniqueOpts: { byQueue: true } });
    await expectRejected(plain, { args: new Plain(2) }, error);
    const locked = await insert(new Locked(1));
    await expectRejected(locked, { args: new Locked(2) }, error);
    expect(await river.jobUpdate(hourly, { priority: 4 })).toMatchObject({ priority: 4 });
  });

  test('is not given to a job that has none', async () => {
    const id = await insert(new Unique(1), { uniqueOpts: null });
    expect(await river.jobUpdate(id, { args: new Unique(2) })).toMatchObject({ uniqueKey: null });
  });
});

describe('where the new key is that of another job', () => {
  test('rejects, names the other, and leaves the transaction usable', async () => {
    const [id, taken] = [await insert(new Unique(1)), await insert(new Unique(2))];
    const error = {
      name: 'JobUniqueConflictError',
      code: 'RIVER_JOB_UNIQUE_CONFLICT',
      conflictingId: taken,
      id,
    };
    await client.transaction.run(async () => {
      await expect(river.jobUpdate(id, { args: new Unique(2) })).rejects.toMatchObject(error);
      await river.jobUpdate(id, { args: new Unique(3) });
    });
    await expectEqual(id, new Unique(3));
    await river.jobCancel(taken);
    await river.jobUpdate(id, { args: new Unique(2) });
    await expectEqual(id, new Unique(2));
  });

  test('rejects where a job that had left its place would come back to it', async () => {
    const unique = { unique_key: '\\x01', unique_states: '11010001' };
    const id = await plantJob(client.database, { ...unique, state: 'retryable' });
    const taken = await plantJob(client.database, unique);
    const error = { code: 'RIVER_JOB_UNIQUE_CONFLICT', conflictingId: taken };
    await expect(river.jobUpdate(id, { priority: 2 })).resolves.toMatchObject({ priority: 2 });
    await queryAll(client.database, `update river_job set unique_key = $2 where id = $1`, [
      id,
      key,
    ]);
    await queryAll(client.database, `update river_job set unique_key = $2 where id = $1`, [
      taken,
      key,
    ]);
    await expectRejected(id, { delay: 0 }, error);
  });

  test('rejects where the other is stored at the same time', async () => {
    const id = await insert(new Unique(1));
    const { keyHash } = await river.explainUnique(new Unique(2));
    await other.query('begin');
    await other.query(
      `insert into river_job (args, kind, max_attempts, unique_key, unique_states)
       values ('{}', 'unique', 1, decode($1, 'hex'), '11110101')`,
      [keyHash],
    );
    const update = river.jobUpdate(id, { args: new Unique(2) });
    update.catch(() => undefined);
    await untilSomebodyWaits(client.database);
    await other.query('commit');
    await expect(update).rejects.toMatchObject({ code: 'RIVER_JOB_UNIQUE_CONFLICT' });
    expect((await river.jobGet(id)).args).toMatchObject({ n: 1 });
  });
});

/** SHA-256 of `&kind=planted`: unique by its kind alone. */
const key = '\\xf7b2b9fce6522fb0b49c3c987b0b532f9786aa0fd7d84b8e7b8771d9c63d5a9d';

describe('the workers', () => {
  async function told(call: () => Promise<JobRow>): Promise<string[]> {
    const payloads: string[] = [];
    const hear = ({ payload = '' }: pg.Notification): unknown => payloads.push(payload);
    other.on('notification', hear);
    await other.query('listen "public.river_insert"');
    await call();
    await other.query('select 1');
    await other.query('unlisten *');
    other.off('notification', hear);
    return payloads;
  }

  test.each<[JobState, JobUpdateParams, string[]]>([
    ['available', { queue: 'slow' }, ['{"queue": "slow"}']],
    ['scheduled', { delay: 0 }, ['{"queue": "default"}']],
    ['available', { queue: 'default' }, []],
    ['available', { priority: 2 }, []],
    ['available', { queue: 'slow', delay: 5_000 }, []],
    ['scheduled', { queue: 'slow' }, []],
    ['pending', { queue: 'slow', delay: 0 }, []],
  ])('of a job that is %s are notified of %j by %j', async (state, params, expected) => {
    const id = await plantJob(client.database, { state });
    expect(await told(() => river.jobUpdate(id, params))).toEqual(expected);
  });

  test('are not notified where the module says so', async () => {
    const quiet = await startClient({ database: client.database, river: { notify: false } });
    const id = await plantJob(client.database, {});
    expect(await told(() => quiet.river.jobUpdate(id, { queue: 'slow' }))).toEqual([]);
    await quiet.app.close();
    await quiet.dataSource.destroy();
  });
});
