import { afterAll, expect, jest, test } from '@jest/globals';

jest.useFakeTimers({ doNotFake: ['nextTick'] });
const { endOfMicrotasks, nextTurn, now, setInterval, clearInterval, setTimeout, sleep } =
  await import('../../lib/real-time.js');
afterAll(() => {
  jest.useRealTimers();
});

test('timers are real although fake ones were there before the library was loaded', async () => {
  const since = now();
  await sleep(5);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await nextTurn();
  await endOfMicrotasks();
  expect(now()).toBeGreaterThan(since);
});
