import { writeSync } from 'node:fs';

const LIMIT_MS = 10_000;

/**
 * Fails a run which does not end by itself. Jest would only print a hint and hang, or pass with
 * `--forceExit`. The timer holds nothing open: it fires only when something else does.
 *
 * @param {{ watch?: boolean, watchAll?: boolean }} config
 */
export function exitByItself({ watch, watchAll }) {
  if (watch || watchAll) return;
  const timer = setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    writeSync(2, `\nThe tests are over but the process does not end. Still open: ${open}\n`);
    process.exit(1);
  }, LIMIT_MS);
  timer.unref();
}
