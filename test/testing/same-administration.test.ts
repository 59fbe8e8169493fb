import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobListParams } from 'nestjs-river';
import { SendReceipt, SIDES, SortArgs, type Side } from './sides.js';

describe.each(SIDES)('%s, administration', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  async function plant(): Promise<string[]> {
    const { river } = side;
    const at = (day: number) => ({ scheduledAt: new Date(Date.UTC(2040, 0, day)) });
    const jobs = [
      await river.insert(new SortArgs(['a']), { tags: ['first', 'second'], priority: 2, ...at(3) }),
      await river.insert(new SortArgs(['b']), {
        tags: ['second'],
        metadata: { n: { m: 1 } },
        ...at(2),
      }),
      await river.insert(new SendReceipt(1), at(3)),
      await river.insert(new SortArgs(['c']), { queue: 'slow' }),
    ];
    return jobs.map(({ job }) => job.id);
  }

  test.each<[string, JobListParams, number[]]>([
    ['none', {}, [0, 1, 2, 3]],
    ['kinds', { kinds: ['sort'] }, [0, 1, 3]],
    ['queues', { queues: ['mail', 'slow'] }, [2, 3]],
    ['priorities', { priorities: [2] }, [0]],
    ['states', { states: ['available'] }, [3]],
    ['all tags', { tagsAll: ['first', 'second'] }, [0]],
    ['any tags', { tagsAny: ['first', 'second'] }, [0, 1]],
    ['args', { args: { strings: ['c'] } }, [3]],
    ['metadata', { metadata: { n: { m: 1 } } }, [1]],
    ['time', { scheduledAt: { from: new Date(Date.UTC(2040, 0, 3)) } }, [0, 2]],
    ['several', { kinds: ['sort'], states: ['scheduled'], tagsAny: ['second'] }, [0, 1]],
    ['order', { orderBy: 'scheduledAt', sortOrder: 'desc' }, [2, 0, 1, 3]],
    ['order and states', { orderBy: 'scheduledAt', states: ['scheduled'] }, [1, 0, 2]],
    ['descending ids', { sortOrder: 'desc', first: 2 }, [3, 2]],
  ])('jobList takes %s', async (_what, params, expected) => {
    const ids = await plant();
    const { jobs } = await side.river.jobList(params);
    expect(jobs.map(({ id }) => ids.indexOf(id))).toEqual(expected);
    const paged: number[] = [];
    let after: string | undefined;
    for (let page = 0; page < 6; page++) {
      const found = await side.river.jobList({ ...params, first: 1, after });
      paged.push(...found.jobs.map(({ id }) => ids.indexOf(id)));
      after = found.lastCursor;
      if (after === undefined) break;
    }
    expect(paged.slice(0, expected.length)).toEqual(expected);
  });

  test('a job is cancelled, retried and deleted', async () => {
    const { river } = side;
    const { job } = await river.insert(new SortArgs([]));
    const cancelled = await river.jobCancel(job.id);
    expect(cancelled.state).toBe('cancelled');
    expect(cancelled.finalizedAt).not.toBeNull();
    expect(cancelled.metadata).toHaveProperty('cancel_attempted_at');
    expect(await river.jobCancel(job.id)).toEqual(cancelled);
    const retried = await river.jobRetry(job.id);
    expect(retried).toMatchObject({ state: 'available', finalizedAt: null, metadata: {} });
    expect((await river.jobDelete(job.id)).id).toBe(job.id);
    for (const call of [
      river.jobGet(job.id),
      river.jobCancel(job.id),
      river.jobRetry(job.id),
      river.jobDelete(job.id),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'RIVER_JOB_NOT_FOUND' });
    }
    await expect(river.jobGet('abc')).rejects.toMatchObject({ code: 'RIVER_INVALID_PARAMS' });
  });

  test('a job that runs is asked to stop, and is not deleted', async () => {
    const { job } = await side.river.insert(new SortArgs([]));
    await side.take(job.id);
    const asked = await side.river.jobCancel(job.id);
    expect(asked).toMatchObject({ state: 'running', finalizedAt: null });
    expect(asked.metadata).toHaveProperty('cancel_attempted_at');
    await expect(side.river.jobDelete(job.id)).rejects.toMatchObject({ code: 'RIVER_JOB_RUNNING' });
  });

  test('a waiting job is changed, and its unique key with it', async () => {
    const { river } = side;
    const { job } = await river.insert(new SendReceipt(1), { metadata: { a: 1 } });
    const { job: other } = await river.insert(new SendReceipt(2));
    const changed = await river.jobUpdate(job.id, {
      args: new SendReceipt(3),
      metadata: { b: 2 },
      priority: 3,
    });
    expect(changed).toMatchObject({ args: { order: 3 }, metadata: { a: 1, b: 2 }, priority: 3 });
    expect(changed.uniqueKey).not.toBe(job.uniqueKey);
    const taking = river.jobUpdate(other.id, { args: new SendReceipt(3) });
    await expect(taking).rejects.toMatchObject({ code: 'RIVER_JOB_UNIQUE_CONFLICT' });
    const byState = ['available', 'pending', 'running', 'scheduled'] as const;
    const fewer = await river.jobUpdate(job.id, {
      args: new SendReceipt(3),
      uniqueOpts: { byArgs: true, byState: [...byState] },
    });
    expect(fewer.uniqueStates?.toSorted()).toEqual(byState);
    const later = new Date('2040-01-01T00:00:00Z');
    expect(await river.jobUpdate(job.id, { scheduledAt: later })).toMatchObject({
      state: 'scheduled',
      scheduledAt: later,
    });
    expect(await river.jobUpdate(job.id, { metadata: { c: 3 } })).toMatchObject({
      metadata: { a: 1, b: 2, c: 3 },
    });
  });

  test('many are cancelled, retried and deleted by filters', async () => {
    const { river } = side;
    const ids = await plant();
    const places = ({ jobs }: { jobs: readonly { id: string }[] }) =>
      jobs.map(({ id }) => ids.indexOf(id));
    expect(places(await river.jobCancelMany({ kinds: ['sort'], first: 2 }))).toEqual([0, 1]);
    expect(places(await river.jobCancelMany({ unsafeAll: true }))).toEqual([2, 3]);
    expect(places(await river.jobCancelMany({ unsafeAll: true }))).toEqual([]);
    const { job: equal } = await river.insert(new SendReceipt(1));
    expect(places(await river.jobRetryMany({ states: ['cancelled'] }))).toEqual([0, 1, 3]);
    expect(places(await river.jobDeleteMany({ tagsAny: ['second'] }))).toEqual([0, 1]);
    await side.complete(ids[3] ?? '', undefined);
    expect(places(await river.jobRetryMany({ kinds: ['sort'] }))).toEqual([]);
    expect(places(await river.jobRetryMany({ states: ['completed'] }))).toEqual([3]);
    const left = (await river.jobList()).jobs.map(({ id }) => id);
    expect(left).toEqual([ids[2], ids[3], equal.id]);
    await expect(river.jobDeleteMany({})).rejects.toMatchObject({ code: 'RIVER_INVALID_PARAMS' });
  });

  test('queues are paused, resumed, listed and counted', async () => {
    const { river } = side;
    await plant();
    await expect(river.queueGet('mail')).rejects.toMatchObject({ code: 'RIVER_QUEUE_NOT_FOUND' });
    await river.queuePause('mail');
    await river.queuePause('slow');
    const mail = await river.queueGet('mail');
    expect(mail).toMatchObject({ name: 'mail', metadata: {} });
    expect(mail.pausedAt).not.toBeNull();
    await river.queueResume('*');
    expect((await river.queueGet('mail')).pausedAt).toBeNull();
    await river.queueUpdate('slow', { metadata: { a: 1 } });
    const { queues } = await river.queueList();
    expect(queues.map(({ name, metadata }) => [name, metadata])).toEqual([
      ['mail', {}],
      ['slow', { a: 1 }],
    ]);
    const stats = await river.queueStats();
    expect(stats.map(({ name, counts }) => [name, counts.available, counts.scheduled])).toEqual([
      ['default', 0, 2],
      ['mail', 0, 1],
      ['slow', 1, 0],
    ]);
    expect(stats.map(({ oldestAvailableAgeMs }) => oldestAvailableAgeMs === null)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('a wait ends as the job ends', async () => {
    const { river } = side;
    const { job } = await river.insert(new SortArgs(['a']));
    const waiting = river.waitFor(job);
    await side.complete(job.id, { sorted: ['a'] });
    expect(await waiting).toMatchObject({ job: { state: 'completed' }, output: { sorted: ['a'] } });
    const { job: failing } = await river.insert(new SortArgs(['b']));
    await side.discard(failing.id, 'no memory');
    await expect(river.waitFor(failing)).rejects.toMatchObject({
      code: 'RIVER_JOB_DISCARDED',
      job: { errors: [{ attempt: 1, error: 'no memory' }] },
    });
    const { job: open } = await river.insert(new SortArgs(['c']));
    await expect(river.waitFor(open, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'RIVER_WAIT_TIMEOUT',
    });
    await expect(side.transaction.run(() => river.waitFor(open))).rejects.toMatchObject({
      code: 'RIVER_WAIT_IN_TRANSACTION',
    });
  });
});
