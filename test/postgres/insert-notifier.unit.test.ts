import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useGlobalTimers } from '../support/global-timers.js';

useGlobalTimers();
const { InsertNotifier } = await import('../../lib/client/inserts/insert-notifier.js');

let now = 0;
let sent: { at: number; queues: readonly string[] }[] = [];
let notifier: InstanceType<typeof InsertNotifier>;

beforeEach(() => {
  jest.useFakeTimers();
  now = 1_000;
  sent = [];
  notifier = new InsertNotifier({
    cooldownMs: 100,
    now: () => now,
    send: async (queues) => void sent.push({ at: now - 1_000, queues }),
  });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Lets the clock and the timers go on together. */
function pass(milliseconds: number): void {
  for (let step = 0; step < milliseconds; step++) {
    now += 1;
    jest.advanceTimersByTime(1);
  }
}

/** An insert that stores into the queues at once; answers which its own statement notified. */
function insert(...queues: string[]): readonly string[] {
  const wake = notifier.forInsert();
  const admitted = wake.admit(queues);
  wake.stored(queues);
  return admitted;
}

describe('the cooldown of notifications', () => {
  test('lets the first insert notify itself', () => {
    expect(insert('default')).toEqual(['default']);
    pass(500);
    expect(sent).toEqual([]);
  });

  test('tells what fell into a window at its end, once', () => {
    insert('default');
    pass(30);
    expect(insert('default')).toEqual([]);
    pass(30);
    expect(insert('default')).toEqual([]);
    pass(200);
    expect(sent).toEqual([{ at: 100, queues: ['default'] }]);
  });

  test('opens a window after what it told itself', () => {
    insert('default');
    pass(50);
    insert('default');
    pass(60);
    expect(insert('default')).toEqual([]);
    pass(200);
    expect(sent.map(({ at }) => at)).toEqual([100, 200]);
  });

  test('keeps queues apart', () => {
    expect(insert('default')).toEqual(['default']);
    expect(insert('slow', 'default')).toEqual(['slow']);
    pass(200);
    expect(sent).toEqual([{ at: 100, queues: ['default'] }]);
  });

  test('opens no window for an insert that stored nothing', () => {
    const wake = notifier.forInsert();
    expect(wake.admit(['default'])).toEqual(['default']);
    pass(5);
    wake.stored([]);
    expect(insert('default')).toEqual(['default']);
  });

  test('tells at once what was committed only after its window', () => {
    insert('default');
    const slow = notifier.forInsert();
    expect(slow.admit(['default'])).toEqual([]);
    pass(150);
    slow.stored(['default']);
    expect(sent).toEqual([{ at: 150, queues: ['default'] }]);
  });

  test('tries again what could not be sent, three times', async () => {
    const failures: number[] = [];
    const failing = new InsertNotifier({
      cooldownMs: 100,
      now: () => now,
      send: () => Promise.reject(new Error('no connection')),
      onFailure: (_error, triesLeft) => failures.push(triesLeft),
    });
    failing.wake(['default']);
    for (let second = 0; second < 6; second++) {
      pass(1_000);
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(failures).toEqual([3, 2, 1, 0]);
  });

  test('reports that a notification was sent after two failures, and nothing of one that did not fail', async () => {
    const outcomes = [
      Promise.reject(new Error('no connection')),
      Promise.reject(new Error('none')),
    ];
    for (const outcome of outcomes) outcome.catch(() => undefined);
    const recoveries: number[] = [];
    const recovering = new InsertNotifier({
      cooldownMs: 100,
      now: () => now,
      send: () => outcomes.shift() ?? Promise.resolve(),
      onRecovery: (failures) => recoveries.push(failures),
    });
    for (const queue of ['default', 'other']) {
      recovering.wake([queue]);
      for (let second = 0; second < 3; second++) {
        pass(1_000);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      }
    }
    expect(recoveries).toEqual([2]);
  });

  test('tells at once what is waiting when it closes, and delays nothing afterwards', async () => {
    insert('default');
    insert('default');
    await notifier.close();
    expect(sent).toEqual([{ at: 0, queues: ['default'] }]);
    expect(insert('default')).toEqual(['default']);
    pass(500);
    expect(sent).toHaveLength(1);
  });
});
