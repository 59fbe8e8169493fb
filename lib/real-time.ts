import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import * as promises from 'node:timers/promises';

// Tests put timers of their own in the place of the global ones, some before this package is loaded
// (`fakeTimers` in the configuration of Jest). What waits for the database must not wait for a clock
// that stands still, so nothing in the package uses the global ones; the linter sees to it. Durations
// are measured with the monotonic clock. Only `new Date()` behind the option `clock` is the test's.

export const { setTimeout, clearTimeout, setInterval, clearInterval } = timers;
/** Resolves after so many milliseconds. */
export const sleep = promises.setTimeout;
/** Resolves in the next turn of the event loop. */
export const nextTurn = promises.setImmediate;
/** A monotonic clock in milliseconds. */
export const now: () => number = performance.now.bind(performance);

// `pg` itself does not run while ticks are faked.
const nextTick = process.nextTick.bind(process);
/** Resolves when the queue of microtasks is empty: that of ticks is looked at then. */
export function endOfMicrotasks(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}
