import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DatabaseError } from '../../../lib/errors/database-errors.js';
import { Maintainer, type Service } from '../../../lib/worker/maintenance/maintainer.js';
import { OutageLog } from '../../../lib/worker/outage-log.js';

let maintainer: Maintainer;

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});
afterEach(async () => {
  await maintainer.stop();
  jest.restoreAllMocks();
});

function start(...services: readonly Partial<Service>[]): void {
  const complete = services.map((service, place) => ({
    what: `Service ${place}`,
    untilNext: () => 1,
    runsAtStart: true,
    run: () => Promise.resolve(false),
    ...service,
  }));
  maintainer = new Maintainer(complete, new OutageLog(), () => 0);
  maintainer.start();
}

/** Fulfilled from outside. */
function signal(): { promise: Promise<void>; fulfil: () => void } {
  let fulfil = (): void => undefined;
  const promise = new Promise<void>((resolve) => (fulfil = resolve));
  return { promise, fulfil };
}

test('runs one service at a time, so that maintenance holds one connection', async () => {
  let running = 0;
  let most = 0;
  const rounds = signal();
  let runs = 0;
  const run = async (): Promise<boolean> => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    if (++runs === 12) rounds.fulfil();
    return false;
  };
  start({ run }, { run }, { run });
  await rounds.promise;
  expect(most).toBe(1);
});

test('lets other services run beside one that is apart', async () => {
  const forever = signal();
  const ran = signal();
  start(
    { run: () => forever.promise.then(() => false), isApart: true },
    { run: () => Promise.resolve(ran.fulfil()).then(() => false) },
  );
  await ran.promise;
  forever.fulfil();
});

test('takes smaller batches after three timeouts in a row, in later terms too', async () => {
  const batches: number[] = [];
  let enough = signal();
  start({
    run: (batch) => {
      batches.push(batch);
      if (batches.length >= 4) enough.fulfil();
      const cause = Object.assign(new Error('timeout'), { code: '57014' });
      return batches.length <= 3
        ? Promise.reject(new DatabaseError('clean jobs', cause))
        : Promise.resolve(false);
    },
  });
  await enough.promise;
  await maintainer.stop();
  expect(batches.slice(0, 4)).toEqual([10_000, 10_000, 10_000, 1_000]);
  batches.push(0);
  enough = signal();
  maintainer.start();
  await enough.promise;
  expect(batches.at(-1)).toBe(1_000);
});

test('goes on after an error of a service, and runs the others', async () => {
  const ran = [signal(), signal()];
  let runs = 0;
  start(
    {
      run: () => {
        if (++runs === 2) ran[0]?.fulfil();
        return Promise.reject(new Error('refused'));
      },
    },
    { run: () => Promise.resolve(ran[1]?.fulfil()).then(() => false) },
  );
  await Promise.all(ran.map(({ promise }) => promise));
});
