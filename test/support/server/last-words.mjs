import { exitByItself } from './exit-by-itself.mjs';
import { runState } from './run-state.mjs';

/**
 * Runs once, after all reporters and after the teardown of the projects, and so has the last word:
 * which server the tests ran on, then the plain counts.
 *
 * @param {import('jest').Config} globalConfig
 */
export default function lastWords(globalConfig) {
  const { server, counts } = runState;
  exitByItself(globalConfig);
  console.log(server ? `\nTests ran on ${server.description}` : '\nTests ran without a server');
  if (counts) console.log(countsLine(counts));
}

/** @param {import('./run-state.mjs').Counts} counts */
function countsLine({ passed, failed, skipped }) {
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
