// Times several ways of doing the same, alternating on one server, and tells each one's median.
import { availableParallelism, loadavg } from 'node:os';

const WARM_UP = 500;

/**
 * @param ways async functions by their names, given an item of their own; the first is what the
 *   others are compared with
 */
export async function alternate(ways, { iterations, description }) {
  const names = Object.keys(ways);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -WARM_UP; round < iterations; round++) {
    // Each goes first, second and third equally often.
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + WARM_UP + turn) % names.length];
      const begun = process.hrtime.bigint();
      await ways[name](`order ${round}`);
      if (round >= 0) times[name].push(Number(process.hrtime.bigint() - begun) / 1000);
    }
  }
  const load = loadavg()[0].toFixed(1);
  console.log(
    `${description}, ${iterations} of each, load ${load} on ${availableParallelism()} CPUs`,
  );
  const base = median(times[names[0]]);
  for (const [name, list] of Object.entries(times)) {
    const p50 = median(list);
    const ratio = (p50 / base).toFixed(3);
    console.log(`${name.padEnd(24)} p50 ${p50.toFixed(0).padStart(6)} µs   ratio ${ratio}`);
  }
}

function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
}
