import { describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { useGlobalTimers } from '../support/global-timers.js';

useGlobalTimers();
const { Abort } = await import('../../lib/transaction/context/abort.js');
const { withRetries } = await import('../../lib/transaction/engine/retries.js');

describe('a transaction that several limits abort', () => {
  test('fails for the first reason', async () => {
    const signal = AbortSignal.timeout(20);
    const abort = new Abort({ timeoutMs: 1, signal });
    await once(signal, 'abort');
    expect(abort.reason).toMatchObject({ message: expect.stringContaining('1 ms') as unknown });
    expect(() => abort.throwIfAborted()).toThrow(abort.reason);
    abort.stop();
  });

  test('notifies its listeners once', () => {
    const controller = new AbortController();
    const abort = new Abort({ signal: controller.signal });
    const listener = jest.fn();
    abort.onAbort(listener);
    controller.abort();
    abort.abort('something else');
    expect(listener).toHaveBeenCalledTimes(1);
    abort.stop();
  });
});

test('a transaction that has ended leaves neither its timer nor its listener behind', () => {
  jest.useFakeTimers();
  const { signal } = new AbortController();
  const add = jest.spyOn(signal, 'addEventListener');
  const remove = jest.spyOn(signal, 'removeEventListener');
  const abort = new Abort({ timeoutMs: 1_000, signal });
  expect(jest.getTimerCount()).toBe(1);
  abort.stop();
  expect(jest.getTimerCount()).toBe(0);
  expect(remove.mock.calls[0]?.[1]).toBe(add.mock.calls[0]?.[1]);
  jest.useRealTimers();
});

test('retries pause longer each time, at most a second, by a random part', async () => {
  const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const deadlock = Object.assign(new Error('deadlock'), { code: '40P01' });
  const attempt = withRetries({ retries: 9 }, () => Promise.reject(deadlock), pause);
  await expect(attempt).rejects.toBe(deadlock);
  expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 500, 500]);
  random.mockRestore();
});

test('a signal ends the pause before the next attempt', async () => {
  const random = jest.spyOn(Math, 'random').mockReturnValue(1);
  const controller = new AbortController();
  const conflict = Object.assign(new Error('conflict'), { code: '40001' });
  const runs: boolean[] = [];
  const attempt = withRetries({ retries: 1_000, signal: controller.signal }, () => {
    runs.push(controller.signal.aborted);
    if (controller.signal.aborted) return Promise.reject(new Error('aborted'));
    setImmediate(() => controller.abort());
    return Promise.reject(conflict);
  });
  await expect(attempt).rejects.toThrow('aborted');
  expect(runs).toEqual([false, true]);
  random.mockRestore();
});
