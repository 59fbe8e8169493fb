// Where the time of a process went, by the file that `node --cpu-prof` writes.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const TOP = 10;

/** @returns the profile that the only process with this folder left there */
export async function readProfile(folder) {
  const name = (await readdir(folder)).find((file) => file.endsWith('.cpuprofile'));
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

/**
 * @param window microseconds of the monotonic clock, from and to: what lies outside is not counted
 * @returns lines: share of the time not idle, function, place
 */
export function topOf({ nodes, samples, timeDeltas, startTime }, [from, to]) {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, described(callFrame)]));
  const spent = new Map();
  let now = startTime;
  samples.forEach((id, index) => {
    now += timeDeltas[index];
    if (now < from || now > to) return;
    const name = nameOf.get(id);
    // A sample stands for the time until the next.
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index + 1] ?? 0));
  });
  const idle = spent.get('(idle)') ?? 0;
  spent.delete('(idle)');
  const busy = [...spent.values()].reduce((sum, each) => sum + each, 0);
  const share = (part, whole) => `${((100 * part) / whole).toFixed(1).padStart(5)} %`;
  const top = [...spent].toSorted(([, a], [, b]) => b - a).slice(0, TOP);
  return [
    `busy ${share(busy, busy + idle)} of the time; of that:`,
    ...top.map(([name, time]) => `${share(time, busy)}  ${name}`),
  ];
}

function described({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const place = url.replace(/^.*\/(?=node_modules\/)|^.*?\/(?=(dist|test)\/)/, '');
  return `${name}  ${place}:${lineNumber + 1}`;
}
