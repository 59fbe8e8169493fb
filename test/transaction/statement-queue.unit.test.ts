import { expect, jest, test } from '@jest/globals';
import { useGlobalTimers } from '../support/global-timers.js';

useGlobalTimers();
const { StatementQueue } = await import('../../lib/transaction/statements/statement-queue.js');
const { unlessBusy } = await import('../../lib/transaction/statements/unless-busy.js');

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what a statement asks for as it begins runs behind it, and is waited for', async () => {
  const queue = new StatementQueue({});
  const order: string[] = [];
  const run = async (name: string): Promise<void> => {
    order.push(`${name} begins`);
    await turn();
    order.push(`${name} ends`);
  };
  void queue.push(() => {
    void queue.push(() => run('log'));
    return run('statement');
  });
  void queue.push(() => run('next'));
  await queue.idle();
  expect(order).toEqual(
    ['statement', 'log', 'next'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('a statement that waits for a slow RELEASE is not taken for a deadlock', async () => {
  jest.useFakeTimers();
  try {
    let release: (value: string) => void = () => undefined;
    const answer = new Promise<string>((resolve) => (release = resolve));
    const ended = { hasEnded: true, idleForMs: 3_600_000 };
    const waiting = unlessBusy(
      () => ended,
      answer,
      () => new Error('busy'),
    );
    await jest.advanceTimersByTimeAsync(60_000);
    release('done');
    await expect(waiting).resolves.toBe('done');
  } finally {
    jest.useRealTimers();
  }
});
