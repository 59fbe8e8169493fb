import { availableParallelism } from 'node:os';

/**
 * Runs sections of a report, as many at a time as there are cores.
 *
 * @param {import('./report.mjs').Report} report
 * @param {readonly ((section: import('./report.mjs').Report) => Promise<void>)[]} sections
 */
export async function inTurns(report, sections) {
  const waiting = [...sections];
  const tryNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await report.section(next);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, tryNext));
}
