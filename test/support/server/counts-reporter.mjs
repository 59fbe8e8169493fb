import { runState } from './run-state.mjs';

/**
 * The part of Jest's results that is counted.
 *
 * @typedef {object} Results
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {number} numRuntimeErrorTestSuites
 * @property {boolean} wasInterrupted
 * @property {{ failure: boolean }} snapshot
 */

/** Keeps the counts of the run for the last line, which the teardown prints. */
export default class CountsReporter {
  /**
   * @param {unknown} _contexts
   * @param {Results} results
   */
  onRunComplete(_contexts, results) {
    // A file that a guard failed, or that did not load, has no failed test of its own.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    runState.counts = {
      passed: results.numPassedTests,
      failed: results.wasInterrupted || results.snapshot.failure ? Math.max(failed, 1) : failed,
      skipped: results.numPendingTests + results.numTodoTests,
    };
  }
}
