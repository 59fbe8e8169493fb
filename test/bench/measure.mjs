// Calls an operation again and again and takes the time of each call.

/**
 * @param call without arguments
 * @param limits `callers` at once, each with one call under way; until `seconds` have passed or
 *   `limit` calls were begun, whichever is given
 * @returns milliseconds of each call, and of all
 */
export async function measure(call, { callers = 1, seconds = Infinity, limit = Infinity }) {
  const latencies = [];
  let begun = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const caller = async () => {
    let asked = performance.now();
    while (asked < end && begun < limit) {
      begun++;
      await call();
      const answered = performance.now();
      latencies.push(answered - asked);
      asked = answered;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { latencies, elapsedMs: performance.now() - start };
}
