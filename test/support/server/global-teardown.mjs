import { exitByItself } from './exit-by-itself.mjs';
import { runState, SERVER_VARIABLE } from './run-state.mjs';
import { dropDatabases } from './template.mjs';

/**
 * Runs once, after the last test file and after all reporters, and so has the last word: which
 * server the tests ran on, then the plain counts.
 *
 * @param {import('jest').Config} globalConfig
 */
export default async function globalTeardown(globalConfig) {
  const { server, counts } = runState;
  try {
    await dropDatabases(JSON.parse(process.env[SERVER_VARIABLE] ?? ''));
  } finally {
    await server?.stop();
  }
  exitByItself(globalConfig);
  console.log(`\nTests ran on ${server?.description}`);
  if (counts) console.log(countsLine(counts));
}

/** @param {import('./run-state.mjs').Counts} counts */
function countsLine({ passed, failed, skipped }) {
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
