import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs, rawJson, type JobRow } from 'nestjs-river';
import { requireInserted, requireManyInserted, requireNotInserted } from 'nestjs-river/testing';
import { SendReceipt, SIDES, SortArgs, type Side } from './sides.js';

describe.each(SIDES)('%s, inserts', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  const stored = async (): Promise<readonly JobRow[]> => (await side.river.jobList()).jobs;

  test('the row that is returned is the one that is stored', async () => {
    const { job, uniqueSkippedAsDuplicated } = await side.river.insert(new SortArgs(['whale']));
    expect(uniqueSkippedAsDuplicated).toBe(false);
    expect(job).toMatchObject({
      args: { strings: ['whale'], limit: 10 },
      encodedArgs: '{"strings":["whale"],"limit":10}',
      attempt: 0,
      attemptedAt: null,
      attemptedBy: [],
      errors: [],
      finalizedAt: null,
      kind: 'sort',
      maxAttempts: 25,
      metadata: {},
      priority: 1,
      queue: 'default',
      state: 'available',
      tags: [],
      uniqueKey: null,
      uniqueStates: null,
    });
    expect(job.scheduledAt).toEqual(job.createdAt);
    const found = await side.river.jobGet(job.id);
    expect(found).toEqual({ ...job, encodedArgs: '{"limit": 10, "strings": ["whale"]}' });
  });

  test('options are those of the call, then of the class, then of the module', async () => {
    const scheduledAt = new Date('2040-05-06T07:08:09.123Z');
    const { job } = await side.river.insert(new SendReceipt(1), {
      metadata: { a: { b: [1, 2.5, 'c'] } },
      priority: 4,
      scheduledAt,
      tags: ['one', 'two_2'],
    });
    expect(job).toMatchObject({ queue: 'mail', maxAttempts: 3, state: 'scheduled', scheduledAt });
    await requireInserted(side.river, SendReceipt, {
      args: { order: 1 },
      maxAttempts: 3,
      metadata: { a: { b: [1, 2.5, 'c'] } },
      priority: 4,
      queue: 'mail',
      scheduledAt,
      state: 'scheduled',
      tags: ['one', 'two_2'],
    });
  });

  test('a delay counts from now, and none makes the job available', async () => {
    const before = Date.now();
    const { job } = await side.river.insert(new SortArgs([]), { delay: 3_600_000 });
    expect(job.state).toBe('scheduled');
    // The clocks of the test and of the database are those of one machine.
    expect(job.scheduledAt.getTime()).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(job.scheduledAt.getTime()).toBeLessThan(Date.now() + 3_601_000);
    const { job: due } = await side.river.insert(new SortArgs([]), { delay: 0 });
    expect(due.state).toBe('available');
    const { job: pending } = await side.river.insert(new SortArgs([]), { pending: true });
    expect(pending.state).toBe('pending');
  });

  test('values come back as jsonb holds them', async () => {
    const args = jobArgs('odd', {
      zz: 1,
      a: [true, null, { 'ä "quoted"\n': '\u{1F40B}\u0001' }],
      b: rawJson('12345678901234567890'),
      c: rawJson('-1.50e3'),
      d: rawJson('0.000120'),
      e: -0,
      f: {},
      g: [],
    });
    const { job } = await side.river.insert(args);
    const found = await side.river.jobGet(job.id);
    expect(found.encodedArgs).toBe(
      '{"a": [true, null, {"ä \\"quoted\\"\\n": "\u{1F40B}\\u0001"}], "b": 12345678901234567890, "c": -1500, "d": 0.000120, "e": 0, "f": {}, "g": [], "zz": 1}',
    );
    expect(found.args).toMatchObject({ b: '12345678901234567890', c: -1500, e: 0 });
  });

  test('several are inserted in order, all or none', async () => {
    const results = await side.river.insertMany([
      new SortArgs(['a']),
      InsertManyParams.of(new SendReceipt(1), { priority: 2, tags: ['first'] }),
      InsertManyParams.of(new SortArgs(['b']), { queue: 'slow', delay: 60_000 }),
    ]);
    const ids = results.map(({ job }) => BigInt(job.id));
    expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
    await requireManyInserted(side.river, [
      [SortArgs, { args: { strings: ['a'] } }],
      [SendReceipt, { priority: 2, tags: ['first'] }],
      [SortArgs, { queue: 'slow', state: 'scheduled' }],
    ]);
    const bad = InsertManyParams.of(new SortArgs([]), { priority: 9 });
    await expect(side.river.insertMany([new SortArgs(['c']), bad])).rejects.toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      index: 1,
    });
    expect(await stored()).toHaveLength(3);
    expect(await side.river.insertMany([])).toEqual([]);
    const plain = Array.from({ length: 300 }, (_, n) => new SortArgs([`${n}`]));
    await side.river.insertMany(plain);
    await requireInserted(side.river, SortArgs, { args: { strings: ['299'] } });
  });

  test.each([
    ['an unknown kind', { strings: [] }, {}, 'RIVER_ARGS_UNDECORATED'],
    ['a priority out of range', new SortArgs([]), { priority: 5 }, 'RIVER_INVALID_OPTION'],
    ['a queue with a space', new SortArgs([]), { queue: 'a b' }, 'RIVER_INVALID_OPTION'],
    ['a value that is no JSON', new SortArgs([], Number.NaN), {}, 'RIVER_ARGS_NOT_JSON'],
    ['a wrong tag', new SortArgs([]), { tags: ['a,b'] }, 'RIVER_INVALID_OPTION'],
    ['an unknown option', new SortArgs([]), { prio: 3 }, 'RIVER_INVALID_OPTION'],
  ])('%s is rejected, and nothing is stored', async (_what, args, opts, code) => {
    await expect(side.river.insert(args, opts as never)).rejects.toMatchObject({ code });
    expect(await stored()).toEqual([]);
  });

  describe('a unique job', () => {
    test('is skipped while one with equal args is stored', async () => {
      const first = await side.river.insert(new SendReceipt(1));
      expect(first.job.uniqueKey).toMatch(/^[0-9a-f]{64}$/);
      const second = await side.river.insert(new SendReceipt(1), { priority: 3 });
      expect(second.uniqueSkippedAsDuplicated).toBe(true);
      expect(second.job).toEqual({ ...first.job, encodedArgs: '{"order": 1}' });
      const other = await side.river.insert(new SendReceipt(2));
      expect(other.uniqueSkippedAsDuplicated).toBe(false);
      const { blockedBy } = await side.river.explainUnique(new SendReceipt(1));
      expect(blockedBy?.id).toBe(first.job.id);
      expect(await stored()).toHaveLength(2);
    });

    test('is skipped within a list, also by one that is stored', async () => {
      const { job } = await side.river.insert(new SendReceipt(2));
      const results = await side.river.insertMany([1, 2, 1, 3].map((n) => new SendReceipt(n)));
      expect(results.map((result) => result.uniqueSkippedAsDuplicated)).toEqual([
        false,
        true,
        true,
        false,
      ]);
      expect(results[1]?.job.id).toBe(job.id);
      expect(results[2]?.job.id).toBe(results[0]?.job.id);
      await requireManyInserted(side.river, [SendReceipt, SendReceipt, SendReceipt]);
    });

    test('is inserted again once the first is in another state', async () => {
      const { job } = await side.river.insert(new SendReceipt(1));
      await side.river.jobCancel(job.id);
      const again = await side.river.insert(new SendReceipt(1));
      expect(again.uniqueSkippedAsDuplicated).toBe(false);
      await side.complete(again.job.id, undefined);
      const done = await side.river.insert(new SendReceipt(1));
      expect(done.uniqueSkippedAsDuplicated).toBe(true);
      await expect(side.river.jobRetry(job.id)).rejects.toMatchObject({ sqlState: '23505' });
    });

    test('by period, by queue and by states counts these', async () => {
      const byPeriod = { uniqueOpts: { byPeriod: 86_400 } };
      const tomorrow = new Date(Date.now() + 86_400_000);
      expect((await side.river.insert(new SortArgs(['a']), byPeriod)).job.uniqueKey).not.toBeNull();
      const second = await side.river.insert(new SortArgs(['b']), {
        ...byPeriod,
        scheduledAt: tomorrow,
      });
      expect(second.uniqueSkippedAsDuplicated).toBe(false);
      const byQueue = { uniqueOpts: { byQueue: true } };
      await side.river.insert(new SortArgs(['c']), byQueue);
      const third = await side.river.insert(new SortArgs(['d']), byQueue);
      expect(third.uniqueSkippedAsDuplicated).toBe(true);
      const other = await side.river.insert(new SortArgs(['d']), { ...byQueue, queue: 'slow' });
      expect(other.uniqueSkippedAsDuplicated).toBe(false);
    });

    test('for states that need a lock is found by what it is', async () => {
      const uniqueOpts = { byArgs: [['limit']], byState: ['completed'] } as const;
      const { job } = await side.river.insert(new SortArgs(['a'], 7), { uniqueOpts });
      expect(job.uniqueKey).toBeNull();
      const second = await side.river.insert(new SortArgs(['b'], 7), { uniqueOpts });
      expect(second.uniqueSkippedAsDuplicated).toBe(false);
      await side.complete(job.id, undefined);
      const third = await side.river.insert(new SortArgs(['c'], 7), { uniqueOpts });
      expect(third.uniqueSkippedAsDuplicated).toBe(true);
      expect(third.job.id).toBe(job.id);
      const fourth = await side.river.insert(new SortArgs(['c'], 8), { uniqueOpts });
      expect(fourth.uniqueSkippedAsDuplicated).toBe(false);
      const byAll = {
        uniqueOpts: { byArgs: true, byPeriod: 900, byState: ['completed'] },
      } as const;
      const last = await side.river.insert(new SortArgs(['c'], 7), byAll);
      expect(last.uniqueSkippedAsDuplicated).toBe(false);
    });
  });

  test('requirements see what is stored, and nothing else', async () => {
    await requireNotInserted(side.river, SendReceipt);
    await side.river.insert(new SendReceipt(1));
    await requireInserted(side.dataSource.manager, SendReceipt);
    await expect(requireInserted(side.river, SortArgs)).rejects.toThrow(
      /Jobs of other kinds that are there:\n {2}send_receipt \{"order": 1\} \(id \d+, queue mail, /,
    );
  });
});
