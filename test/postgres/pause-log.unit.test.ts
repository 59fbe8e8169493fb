import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PauseLog } from '../../lib/postgres/driver/pause-log.js';

let now = 0;
/** The timers that have not fired, with the time when they do. */
let timers = new Map<object, { at: number; check: () => void }>();
let log: PauseLog;
let debug: jest.SpiedFunction<Logger['debug']>;

beforeEach(() => {
  debug = jest.spyOn(Logger.prototype, 'debug').mockReturnValue();
  now = 0;
  timers = new Map();
  const setTimeout = (check: () => void, ms: number) => {
    const timer = { unref: () => timer as unknown as NodeJS.Timeout };
    timers.set(timer, { at: now + ms, check });
    return timer;
  };
  const clearTimeout = (timer: object | undefined) => void timers.delete(timer ?? {});
  log = new PauseLog('Test', (waiting, detail) => `${waiting} waiting, first ${detail}`, {
    now: () => now,
    setTimeout,
    clearTimeout,
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log', 'debug', 'verbose']);
});

/** Lets time pass until `at`. */
function passTo(at: number): void {
  for (; now < at; now++) {
    for (const [timer, { at: due, check }] of timers) {
      if (due > now) continue;
      timers.delete(timer);
      check();
    }
  }
}

/** Begins to wait. */
function wait(detail: string): { end: () => Promise<void> } {
  let resolve = (): void => undefined;
  const waiting = new Promise<void>((done) => (resolve = done));
  const followed = log.follow(waiting, () => detail);
  return {
    end: async () => {
      resolve();
      await followed;
    },
  };
}

const reported = () => debug.mock.calls.map(([message]) => String(message));

describe('a wait', () => {
  test('is not reported when it ends within a second', async () => {
    const short = wait('a');
    passTo(999);
    await short.end();
    passTo(5_000);
    expect(reported()).toEqual([]);
  });

  test('is reported once when it lasts longer, however long and with however many others', () => {
    wait('a');
    passTo(500);
    wait('b');
    passTo(1_100);
    expect(reported()).toEqual(['2 waiting, first a']);
    wait('c');
    passTo(10_000);
    expect(reported()).toHaveLength(1);
  });

  test('is reported again after a time in which nobody waited that long', async () => {
    const first = wait('a');
    passTo(1_400);
    const second = wait('b');
    passTo(1_500);
    await first.end();
    passTo(2_300);
    expect(reported()).toEqual(['1 waiting, first a']);
    passTo(2_500);
    await second.end();
    expect(reported()).toEqual(['1 waiting, first a', '1 waiting, first b']);
  });

  test('is not reported when others before it were short', async () => {
    for (let at = 0; at < 5_000; at += 600) {
      const overlapping = wait('a');
      passTo(at + 300);
      const next = wait('b');
      await overlapping.end();
      passTo(at + 600);
      await next.end();
    }
    expect(reported()).toEqual([]);
  });

  test('that fails is over, and its error belongs to the caller', async () => {
    const error = new Error('no connection');
    await expect(log.follow(Promise.reject(error))).rejects.toBe(error);
    expect(timers.size).toBe(0);
  });
});

test('no timer is left when nobody waits', async () => {
  const first = wait('a');
  const second = wait('b');
  expect(timers.size).toBe(1);
  await first.end();
  expect(timers.size).toBe(1);
  await second.end();
  expect(timers.size).toBe(0);
});

describe('with the levels of the application', () => {
  test('that leave out debug, nothing is followed', () => {
    Logger.overrideLogger(['error', 'warn', 'log']);
    wait('a');
    expect(timers.size).toBe(0);
  });

  test('that Nest 10 and 11 call all disabled until some are configured, waits are reported', () => {
    jest.spyOn(Logger, 'isLevelEnabled').mockReturnValue(false);
    wait('a');
    passTo(1_100);
    expect(reported()).toHaveLength(1);
  });
});
