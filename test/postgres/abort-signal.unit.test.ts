import { getEventListeners } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { endsWithin, onAbort, withDeadline } from '../../lib/abort-signal.js';

const never = new Promise<never>(() => undefined);

/** A step, and what ends it. */
function step<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

describe('onAbort', () => {
  test('is one listener of the signal however often it is called', () => {
    const controller = new AbortController();
    const listener = jest.fn();
    for (let i = 0; i < 20; i++) onAbort(controller.signal, listener);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(listener).toHaveBeenCalledTimes(20);
  });

  test('leaves nothing at the signal when it is undone', () => {
    const controller = new AbortController();
    const listener = jest.fn();
    const undo = [1, 2, 3].map(() => onAbort(controller.signal, listener));
    for (const each of undo) each();
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    // Undone a second time, it does not take away what has come since.
    onAbort(controller.signal, listener);
    for (const each of undo) each();
    controller.abort();
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe('withDeadline', () => {
  test('leaves nothing at a signal that outlives many steps', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const steps = Array.from({ length: 1_000 }, (_, i) =>
      withDeadline(Promise.resolve(i), { signals: [signal] }),
    );
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(await Promise.all(steps)).toHaveLength(1_000);
    await Promise.allSettled([withDeadline(Promise.reject(new Error()), { signals: [signal] })]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test.each([
    ['while the step is under way', (abort: () => void): void => void setImmediate(abort)],
    ['before', (abort: () => void): void => abort()],
  ] as const)(
    'rejects with the reason of a signal that is aborted %s',
    async (_when, schedule): Promise<void> => {
      const controllers = [new AbortController(), new AbortController()] as const;
      const signals = controllers.map(({ signal }) => signal);
      const reason = new Error('the client went away');
      schedule((): void => controllers[1].abort(reason));
      await expect(withDeadline(never, { signals })).rejects.toBe(reason);
      for (const signal of signals) expect(getEventListeners(signal, 'abort')).toEqual([]);
    },
  );

  test('rejects when its time is over, and hands on the value that comes later', async () => {
    const late = step<string>();
    const onLate = jest.fn();
    const waiting = withDeadline(late.promise, {
      limit: { ms: 1, timedOut: () => new RangeError('too late') },
      onLate,
    });
    await expect(waiting).rejects.toThrow(RangeError);
    late.resolve('connection');
    await late.promise;
    expect(onLate.mock.calls).toEqual([['connection']]);
  });

  test('does not hand on the value of a step that has ended in time', async () => {
    const controller = new AbortController();
    const onLate = jest.fn();
    const inTime = withDeadline(Promise.resolve(1), { signals: [controller.signal], onLate });
    expect(await inTime).toBe(1);
    controller.abort();
    expect(onLate).not.toHaveBeenCalled();
  });

  test('leaves no rejection unhandled when the step fails after the deadline', async () => {
    const late = step<string>();
    const reason = new Error('aborted');
    const waiting = withDeadline(late.promise, { signals: [AbortSignal.abort(reason)] });
    await expect(waiting).rejects.toBe(reason);
    late.reject(new Error('connection refused'));
    await new Promise((resolve) => void setImmediate(resolve));
  });
});

describe('endsWithin', () => {
  test('is true for work that is done in time, and false for other work', async () => {
    expect(await endsWithin(60_000, Promise.resolve())).toBe(true);
    expect(await endsWithin(1, never)).toBe(false);
  });

  test('rejects as the work does', async () => {
    const error = new Error('failed');
    await expect(endsWithin(60_000, Promise.reject(error))).rejects.toBe(error);
  });
});
