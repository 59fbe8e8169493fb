import { performance } from 'node:perf_hooks';
export { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import * as timers from 'node:timers';

// Tests put timers of their own in the place of the global ones, some before this package is loaded
// (`fakeTimers` in the configuration of Jest), some in `node:timers` and `process` as well (Sinon, Vitest).
// What waits for the database must not wait for a clock that stands still, so nothing in the package
// uses the global ones; the linter sees to it. Durations are measured with the monotonic clock. Only
// `new Date()` behind the option `clock` is the test's.

/** The timers of Sinon, which Jest and Vitest contain, keep what they replace: `_setTimeout`. */
interface Fake {
  readonly clock?: Readonly<Record<string, unknown>>;
}

/** The function that was there before any fake ones. */
function real<T extends object, Name extends keyof T & string>(on: T, name: Name): T[Name] {
  let found = on[name];
  for (;;) {
    const original = (found as Fake).clock?.[`_${name}`];
    if (typeof original !== 'function') return found;
    found = original as T[Name];
  }
}

export const setTimeout = real(timers, 'setTimeout');
export const clearTimeout = real(timers, 'clearTimeout');
export const setInterval = real(timers, 'setInterval');
export const clearInterval = real(timers, 'clearInterval');

/** Resolves after so many milliseconds, or when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end);
  });
}

const setImmediate = real(timers, 'setImmediate');
/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A monotonic clock in milliseconds. Fake ones are set on the object, not on its prototype. */
export const now: () => number = (
  Object.getPrototypeOf(performance) as typeof performance
).now.bind(performance);

// `pg` itself does not run while ticks are faked.
const nextTick = real(process, 'nextTick').bind(process);
/** Resolves when the queue of microtasks is empty: that of ticks is looked at then. */
export function endOfMicrotasks(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}
