import { jest } from '@jest/globals';

/**
 * Lets the library use the global timers, so that a test of one of its classes can put fake ones in
 * their place. Before the class is imported, by `await import(...)`.
 */
export function useGlobalTimers(): void {
  const actual = {
    setTimeout: (callback: () => void, ms: number) => globalThis.setTimeout(callback, ms),
    clearTimeout: (timer: NodeJS.Timeout) => globalThis.clearTimeout(timer),
    setInterval: (callback: () => void, ms: number) => globalThis.setInterval(callback, ms),
    clearInterval: (timer: NodeJS.Timeout) => globalThis.clearInterval(timer),
    sleep: (ms: number) => new Promise((resolve) => globalThis.setTimeout(resolve, ms)),
    nextTurn: () => new Promise((resolve) => globalThis.setImmediate(resolve)),
    now: () => globalThis.performance.now(),
    endOfMicrotasks: () => new Promise<void>((resolve) => process.nextTick(resolve)),
  };
  jest.unstable_mockModule('../../lib/real-time.js', () => actual);
}
