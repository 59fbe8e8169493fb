type Check = (reason: unknown) => void;

const checks = new Set<Check>();

/**
 * Calls `check` for each rejection that Node.js reports as unhandled. Without a listener of the
 * application, Node.js ends the process instead, so nothing is to be done then.
 *
 * @returns stops it
 */
export function checkUnhandled(check: Check): () => void {
  if (checks.size === 0) {
    if (process.listenerCount('unhandledRejection') === 0) return () => undefined;
    process.on('unhandledRejection', onUnhandled);
  }
  checks.add(check);
  return () => {
    if (checks.delete(check) && checks.size === 0) process.off('unhandledRejection', onUnhandled);
  };
}

function onUnhandled(reason: unknown): void {
  for (const check of checks) check(reason);
  // The application has removed its listeners: what Node.js would do then must not be prevented.
  if (process.listenerCount('unhandledRejection') === 1) throw reason;
}
