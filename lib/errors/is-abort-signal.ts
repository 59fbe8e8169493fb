/** Whether a value can be asked as a signal: heirs and proxies of one pass for one, and cannot. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  try {
    return value instanceof AbortSignal && typeof value.aborted === 'boolean';
  } catch {
    return false;
  }
}
