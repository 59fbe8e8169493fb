import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { WaitTimeoutError } from 'nestjs-river';
import { JobWait } from '../../lib/client/wait/job-wait.js';
import { JobWaiter, type Look } from '../../lib/client/wait/job-waiter.js';
import type { JobRow } from '../../lib/job/row/job-row.js';

const ID = '1';
const job = (state: JobRow['state']): JobRow =>
  ({ id: ID, kind: 'sort', state, attempt: 0, maxAttempts: 25, errors: [] }) as unknown as JobRow;

function waiterOf(look: Look): JobWaiter {
  return new JobWaiter(look, 250);
}

test('A job that has ended by the last look is returned, although the time of the wait is over', async () => {
  const waiter = waiterOf(async (ids) =>
    ids.get(ID) === true ? new Map([[ID, job('completed')]]) : new Map(),
  );
  await expect(waiter.wait(ID, { timeoutMs: 20, signal: undefined })).resolves.toMatchObject({
    state: 'completed',
  });
});

/** The timers of one process fire in their order, however busy the machine is. */
test.each([
  ['in the rest after a slow look', 200],
  ['during a slow look', 100],
])('A wait whose time ends %s is rejected before the rest is over', async (_when, timeoutMs) => {
  let looks = 0;
  const waiter = waiterOf(async (ids) => {
    // A rest of half a second would follow.
    if (looks++ === 0) await sleep(150);
    return ids.get(ID) === true ? new Map([[ID, job('available')]]) : new Map();
  });
  const end = waiter.wait(ID, { timeoutMs, signal: undefined }).catch((error: unknown) => error);
  expect(await Promise.race([end, sleep(450)])).toBeInstanceOf(WaitTimeoutError);
  expect(looks).toBe(2);
});

test('A wait that has ended does not listen to its signal any more', async () => {
  const controller = new AbortController();
  const onEnd = jest.fn();
  const wait = new JobWait(
    ID,
    { timeoutMs: undefined, signal: controller.signal },
    { onTimeout: () => undefined, onEnd },
  );
  wait.tell(new Map([[ID, job('completed')]]));
  controller.abort();
  await expect(wait.ended).resolves.toMatchObject({ state: 'completed' });
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test('Jobs that have ended in this process are queried at once, and together', async () => {
  const looks: string[][] = [];
  let isDone = false;
  const waiter = waiterOf((ids) => {
    looks.push([...ids.keys()]);
    return Promise.resolve(
      isDone ? new Map([...ids.keys()].map((id) => [id, job('completed')])) : new Map(),
    );
  });
  const limits = { timeoutMs: undefined, signal: undefined };
  const waits = ['1', '2', '3'].map((id) => waiter.wait(id, limits));
  isDone = true;
  waiter.ended(['1']);
  waiter.ended(['2', '4']);
  await Promise.all(waits.slice(0, 2));

  expect(looks).toEqual([['1', '2']]);
  await waits[2];
  expect(looks).toEqual([['1', '2'], ['3']]);
});
