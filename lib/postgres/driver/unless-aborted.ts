/**
 * Waits for a step, unless the signal is aborted first: it then throws the signal's reason. Any number
 * of steps may wait at the same time. `Promise.race` with a promise that lasts as long as the signal
 * would keep the value of every step.
 */
export function unlessAborted<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    const leave = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    step.then(resolve, reject).finally(leave);
  });
}
