/** What `work` answers as a promise, also where it throws or answers at once; as `async`, but cheaper. */
export function promised<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}
