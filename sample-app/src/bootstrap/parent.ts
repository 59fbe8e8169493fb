const LOOK_EVERY_MS = 500;

/**
 * Calls `gone` when the process that started this one has ended. A SIGTERM for npm reaches npm and
 * its shell, but not what the shell runs: the application would stay behind without a terminal.
 * Only below npm, for whoever starts the application in the background himself wants it to stay.
 */
export function whenParentIsGone(gone: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
}
