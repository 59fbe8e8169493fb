import { GuardError, untilNone } from './guard-error.mjs';
import { TimerRecord } from './timer-record.mjs';

// Node opens these when they are first asked for, which in a new worker would be in some test.
void [process.stdin, process.stdout, process.stderr];

/**
 * Compares what keeps the process alive before a test file and after it. Jest's own search for open
 * handles records a stack for each of them, which is too slow to be always on; this only counts.
 */
export class ResourceGuard {
  #before = count(process.getActiveResourcesInfo());
  #timers;

  /** @param {typeof globalThis} global The global object of the test file. */
  constructor(global) {
    this.#timers = new TimerRecord(global);
  }

  /** @returns {Promise<GuardError[]>} */
  async afterFile() {
    const left = await untilNone(() => this.#added());
    if (left.length === 0) return [];
    return [
      new GuardError(
        `Handles were left open: ${left.join(', ')}\n` +
          'Close servers and sockets, clear timers, and wait for child processes before the file ends.',
      ),
    ];
  }

  #added() {
    const added = count(process.getActiveResourcesInfo());
    for (const [name, number] of this.#before) added.set(name, (added.get(name) ?? 0) - number);
    added.set('Timeout', Math.max(added.get('Timeout') ?? 0, this.#timers.active));
    return [...added]
      .filter(([, number]) => number > 0)
      .map(([name, number]) => `${number} ${name}`);
  }
}

/** @param {string[]} names @returns {Map<string, number>} */
function count(names) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
