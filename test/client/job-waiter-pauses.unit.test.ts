import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { JobRow } from '../../lib/job/row/job-row.js';
import type { FoundJobs } from '../../lib/postgres/administration/finished-jobs.js';
import { useGlobalTimers } from '../support/global-timers.js';

useGlobalTimers();
const { DatabaseError } = await import('nestjs-river');
const { JobWaiter } = await import('../../lib/client/wait/job-waiter.js');

const NO_LIMITS = { timeoutMs: undefined, signal: undefined };
const NONE: FoundJobs = new Map();

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const completed = (id: string): FoundJobs =>
  new Map([[id, { id, kind: 'sort', state: 'completed' } as unknown as JobRow]]);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs waits on looks that note when they begin, in milliseconds from the first one. */
function waitBy(look: (n: number) => Promise<FoundJobs>) {
  const begins: number[] = [];
  const waiter = new JobWaiter(async () => {
    begins.push(performance.now());
    return await look(begins.length);
  }, 250);
  return { waiter, times: () => begins.map((at) => at - (begins[0] ?? 0)) };
}

test.each([
  ['four times as long', { lookMs: 100, restMs: 400 }],
  ['at most half a second', { lookMs: 200, restMs: 500 }],
])('A slow look is followed by a rest: %s', async (_what, { lookMs, restMs }) => {
  const { waiter, times } = waitBy(async () => {
    await pause(lookMs);
    return NONE;
  });
  const wait = waiter.wait('1', NO_LIMITS).catch(() => undefined);
  await jest.advanceTimersByTimeAsync(10 + 3 * (lookMs + restMs) - 1);
  expect(times()).toEqual([0, lookMs + restMs, 2 * (lookMs + restMs)]);
  waiter.close();
  await wait;
});

test('The end of a job makes the next look for the others come after 10 ms again', async () => {
  const last = 12;
  const { waiter, times } = waitBy(async (n) => (n === last ? completed('1') : NONE));
  const waits = [waiter.wait('1', NO_LIMITS), waiter.wait('2', NO_LIMITS).catch(() => undefined)];
  while (times().length <= last) await jest.advanceTimersByTimeAsync(1);
  const pauses = times().map((at, n, all) => at - (all[n - 1] ?? 0));
  expect(pauses[last - 1]).toBeGreaterThan(80);
  expect(pauses[last]).toBe(10);
  waiter.close();
  await Promise.all(waits);
});

test.each(['57014', '57P01', '40001'])(
  'A look that fails with SQLSTATE %s is repeated, and the wait goes on',
  async (code) => {
    const { waiter } = waitBy(async (n) => {
      if (n > 1) return completed('1');
      throw new DatabaseError('look', Object.assign(new Error('no'), { code }));
    });
    const wait = waiter.wait('1', NO_LIMITS);
    wait.catch(() => undefined);
    await jest.advanceTimersByTimeAsync(1_000);
    await expect(wait).resolves.toMatchObject({ id: '1', state: 'completed' });
  },
);

test('A look that fails for good rejects every wait with its error', async () => {
  const failure = new DatabaseError('look', Object.assign(new Error('no'), { code: '42P01' }));
  const { waiter } = waitBy(() => Promise.reject(failure));
  const waits = ['1', '2'].map((id) => waiter.wait(id, NO_LIMITS));
  const ends = Promise.allSettled(waits);
  await jest.advanceTimersByTimeAsync(10);
  expect(await ends).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failure })));
});
