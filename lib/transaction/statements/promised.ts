/** What `work` answers as a promise, also where it throws or answers at once; as `async`, but cheaper. */
export function promised<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Calls `onEnd` when `answer` has settled, and before the promise that is returned settles. That one
 * is to be awaited in place of `answer`: V8 finds the callers for the stack trace of an error only
 * where each promise on the way to them has one reaction. Its failure is no unhandled rejection.
 */
export function beforeSettled<T>(
  answer: Promise<T>,
  onEnd: (failure?: unknown) => void,
): Promise<T> {
  const settled = answer.then(
    (value) => {
      onEnd();
      return value;
    },
    (error: unknown) => {
      // The error has its stack trace by now.
      settled.catch(() => undefined);
      onEnd(error);
      throw error;
    },
  );
  return settled;
}
