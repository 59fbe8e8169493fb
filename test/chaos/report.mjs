// What a run prints.

const SHOWN = 5;
/** The worst first. */
const KINDS = ['lost', 'stray', 'half', 'ran after the end', 'hung', 'untold failure', 'hook'];

export function printReport(report, { seed, trial }) {
  const { outcomes, kinds, failed, strays, pool, steps, seconds, unhandled } = report;
  const trials = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  console.log(`${trials} trials, ${steps} steps, ${seconds.toFixed(1)} s`);
  for (const [outcome, n] of Object.entries(outcomes).toSorted(([, a], [, b]) => b - a)) {
    console.log(`  ${String(n).padStart(6)}  ${outcome}`);
  }
  console.log(`unhandled rejections allowed: ${JSON.stringify(unhandled)}`);
  console.log(`mismatches: ${failed.length} ${failed.length > 0 ? JSON.stringify(kinds) : ''}`);
  console.log(`trials with stray rows: ${strays}`);
  console.log(`pool back to its baseline: ${pool.length === 0 ? 'yes' : pool.join(', ')}`);
  const rank = ({ found }) => Math.min(...found.map(({ kind }) => (KINDS.indexOf(kind) + 99) % 99));
  const sorted = failed.toSorted((a, b) => rank(a) - rank(b));
  const shown = trial === undefined ? sorted.slice(0, SHOWN) : sorted;
  for (const { program, found, error } of shown) {
    console.log(program ? `\nagain: --seed ${seed} --trial ${program.trial}` : '');
    for (const { kind, what } of found) console.log(`  ${kind}: ${what}`);
    console.log(`  the caller was told: ${error ?? 'OK'}`);
    if (program) console.log(JSON.stringify(program));
  }
}
