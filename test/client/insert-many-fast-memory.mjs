// Inserts jobs from a generator, and prints by how many MiB its memory grew at the peak.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { jobArgs, RiverClient } from '../../dist/lib/index.js';

const [url, count, mode] = process.argv.slice(2);

function* jobs(number) {
  for (let id = 0; id < number; id++) yield jobArgs('heavy', { id, text: 'x'.repeat(900) });
}

async function* laterJobs(number) {
  yield* jobs(number);
}

const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
const river = new RiverClient(dataSource, {});
const insert = (number) =>
  river.insertManyFast(mode === 'iterable' ? jobs(number) : laterJobs(number), {
    onConflict: mode === 'skip' ? 'skip' : 'fail',
  });

await insert(1_000);
const before = process.memoryUsage.rss();
let peak = before;
// The system's own peak counts the memory of the process that this one was forked from, too.
const look = () => (peak = Math.max(peak, process.memoryUsage.rss()));
const timer = setInterval(look, 5);
const { inserted } = await insert(Number(count));
clearInterval(timer);
look();
process.stdout.write(JSON.stringify({ inserted, grownMiB: (peak - before) / 2 ** 20 }));
await river.beforeApplicationShutdown();
await dataSource.destroy();
