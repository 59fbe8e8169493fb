const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when a signal is aborted. Any number of calls are one listener of the signal, since
 * Node warns of more than ten.
 *
 * @returns undoes it
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const known = listeners.get(signal);
  const all = known ?? new Set();
  if (known === undefined) {
    listeners.set(signal, all);
    signal.addEventListener('abort', () => all.forEach((each) => each()), { once: true });
  }
  all.add(listener);
  return () => void all.delete(listener);
}
