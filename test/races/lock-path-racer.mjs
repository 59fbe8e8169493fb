// One of several processes that insert the same unique job of the lock path at the same moment.
// Takes the database's URL, prints "ready", then reads a line `round startAtUnixMs` for each round
// and answers a line of JSON: the results of its callers.
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobArgs, RiverClient } from 'nestjs-river';
import { DataSource } from 'typeorm';

const CALLERS = 3;
const uniqueOpts = { byArgs: true, byState: ['available', 'scheduled'] };

const [url] = process.argv.slice(2);
const dataSource = await new DataSource({
  type: 'postgres',
  url,
  extra: { max: CALLERS },
}).initialize();
const river = new RiverClient(dataSource, {});
// Each caller has its connection before the first round.
await Promise.all(Array.from({ length: CALLERS }, () => dataSource.query('select pg_sleep(0.05)')));
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const [round, startAt] = line.split(' ').map(Number);
  await sleep(Math.max(0, startAt - Date.now()));
  const results = await Promise.allSettled(
    Array.from({ length: CALLERS }, (_, caller) =>
      // Every other caller races within a batch whose other keys go in opposite orders.
      caller % 2 === 0
        ? river.insert(jobArgs('raced', { round }), { uniqueOpts }).then((result) => [result])
        : river.insertMany(batch(round, caller + process.pid)),
    ),
  );
  console.log(JSON.stringify(results.map(outcome)));
}
await dataSource.destroy();

function batch(round, salt) {
  const jobs = [{ round }, { round, side: 1 }, { round, side: 2 }].map((args) => ({
    kind: 'raced',
    ...args,
    insertOpts: () => ({ uniqueOpts }),
  }));
  return salt % 2 === 0 ? jobs : jobs.reverse();
}

function outcome({ value, reason }) {
  if (reason !== undefined) return { error: `${reason.message} ${reason.cause ?? ''}` };
  const { job, uniqueSkippedAsDuplicated } = value.find(({ job }) => job.args.side === undefined);
  return { id: String(job.id), skipped: uniqueSkippedAsDuplicated };
}
