import { clearTimeout, setTimeout } from './real-time.js';

// Everything in the package that can be aborted is aborted by AbortSignals, and listens to them here.
// `AbortSignal.any` and `AbortSignal.timeout` are not used. On Node 20, signals made by `any` with a
// listener are kept for as long as their source (100,000 of them: 116 MB), and each takes 20 to 90 µs;
// the timer of `timeout` does not keep the process alive while somebody waits.

/** The one listener of a signal, and those that it calls. */
interface Listeners {
  readonly all: Set<() => void>;
  readonly callAll: () => void;
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `listener` when a signal is aborted. Any number of calls are one listener of the signal, since
 * Node warns of more than ten.
 *
 * @returns undoes it
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { all, callAll } = listenersOf.get(signal) ?? listen(signal);
  // A function of its own, so that the same listener can be given twice.
  const own = (): void => listener();
  all.add(own);
  return () => {
    if (!all.delete(own) || all.size > 0) return;
    signal.removeEventListener('abort', callAll);
    listenersOf.delete(signal);
  };
}

function listen(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const callAll = (): void => all.forEach((each) => each());
  signal.addEventListener('abort', callAll);
  listenersOf.set(signal, { all, callAll });
  return { all, callAll };
}

/** What ends the wait for a step before the step has ended. */
export interface Deadline<T> {
  readonly signals?: readonly AbortSignal[] | undefined;
  /** Makes the error of a signal; its reason if not given. */
  readonly aborted?: (signal: AbortSignal) => unknown;
  readonly limit?: { readonly ms: number; readonly timedOut: () => Error } | undefined;
  /** Receives the value of a step that ends after all. */
  readonly onLate?: (value: T) => unknown;
}

/**
 * What a step resolves to, unless a signal is aborted or its time is over first. Any number of steps
 * may wait for one signal: `Promise.race` with a promise that lasts as long as the signal would keep
 * the value of each.
 */
export function withDeadline<T>(
  step: Promise<T>,
  { signals = [], aborted = ({ reason }) => reason as unknown, limit, onLate }: Deadline<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const leave: (() => void)[] = [];
    const stop = (): void => leave.splice(0).forEach((each) => each());
    const fail = (error: unknown): void => {
      isLate = true;
      stop();
      reject(error);
    };
    if (limit !== undefined) {
      const timer = setTimeout(() => fail(limit.timedOut()), limit.ms);
      leave.push(() => clearTimeout(timer));
    }
    for (const signal of signals) leave.push(onAbort(signal, () => fail(aborted(signal))));
    const first = signals.find((signal) => signal.aborted);
    if (first !== undefined) fail(aborted(first));
    // These two and no functions of ours, or a stack trace would not name the callers.
    step.then(resolve, reject);
    step
      .then((value) => (isLate ? onLate?.(value) : undefined))
      .finally(stop)
      // The caller has the error of the step; that of `onLate` concerns nobody any more.
      .catch(() => undefined);
  });
}

/** Whether work is done within so many milliseconds. Rejects as the work does. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  try {
    return await Promise.race([work.then(() => true), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
