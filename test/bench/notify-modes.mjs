// Measures 64 concurrent transactions, each with a business row and a job, in every mode of the
// option `notify`. Rounds are interleaved; the figure of a mode is the median of its rounds.
//
//   npm run build && node test/bench/notify-modes.mjs postgres://… [seconds per round] [rounds]
//
// The database is one with River's tables that may be filled.
import 'reflect-metadata';
import { jobArgs, RiverClient, RiverTransaction } from '../../dist/lib/index.js';
import { DataSource } from 'typeorm';

const CALLERS = 64;
const [url, seconds = '3', rounds = '5'] = process.argv.slice(2);
const modes = {
  'notify: false': { notify: false },
  "mode: 'transaction'": {},
  "mode: 'afterCommit'": { notify: { mode: 'afterCommit' } },
};

const dataSource = await new DataSource({ type: 'postgres', url, extra: { max: 10 } }).initialize();
await dataSource.query(
  'create table if not exists bench_order (id bigserial primary key, total int)',
);
const transaction = new RiverTransaction('default', dataSource);

const figures = new Map(Object.keys(modes).map((mode) => [mode, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const [mode, options] of Object.entries(modes)) {
    figures.get(mode).push(await transactionsPerSecond(new RiverClient(dataSource, options)));
  }
}
for (const [mode, all] of figures) {
  const sorted = all.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    `${mode.padEnd(22)} ${median.toFixed(0).padStart(6)} transactions/s  (${sorted.map((n) => n.toFixed(0)).join(', ')})`,
  );
}
await dataSource.destroy();

async function transactionsPerSecond(river) {
  const end = Date.now() + Number(seconds) * 1000;
  let done = 0;
  const caller = async () => {
    while (Date.now() < end) {
      await transaction.run(async (manager) => {
        await manager.query('insert into bench_order (total) values (1)');
        await river.insert(jobArgs('bench', { done }));
      });
      done++;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await river.beforeApplicationShutdown();
  return done / Number(seconds);
}
