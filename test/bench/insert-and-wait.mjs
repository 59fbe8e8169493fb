// Measures how long insertAndWait takes beside the worker's own time, with River's real Go worker.
//
//   npm run build && node test/bench/insert-and-wait.mjs [rounds] [postgres://…] [seed]
//
// Without a URL, or with an empty one, it starts or finds a server as the tests do. Needs Go.
import 'reflect-metadata';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { InsertManyParams, jobArgs, RiverClient } from '../../dist/lib/index.js';
import { createDatabase } from '../chaos/database.mjs';
import { randomOf } from '../chaos/random.mjs';
import { quantile } from './statistics.mjs';

/** Go writes the ends of jobs down every 250 ms: rounds begin at any time between. */
const BATCH_MS = 250;
const [rounds = '200', url, seed = '1'] = process.argv.slice(2);
const random = randomOf(Number(seed), 0);
const database = await createDatabase(url);
const folder = await mkdtemp(join(tmpdir(), 'insert-and-wait-'));
const program = join(folder, 'worker');
execFileSync('go', ['build', '-o', program, '.'], { cwd: 'test/interop/go' });
const worker = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: worker.stdout });
await ask({ op: 'connect', databaseUrl: database.url });
await ask({ op: 'work', schema: 'public', kinds: ['bench'], queues: { default: 200 } });

const dataSource = await new DataSource({
  type: 'postgres',
  url: database.url,
  extra: { max: 10 },
}).initialize();
const clients = [];
const polling = client();
await round(polling, 0);

console.log(`${database.description}; ${rounds} rounds, seed ${seed}, milliseconds: p50 (p95)\n`);
console.log(
  '                                   round trip     until it starts    work      after it',
);
await report('one at a time, 0 ms of work', polling, { workMs: 0 });
await report('one at a time, 100 ms of work', polling, { workMs: 100 });
await report('100 at a time, 0 ms of work', polling, { workMs: 0, callers: 100 });

const others = await withOthers(polling, 10_000);
await report('beside 10,000 other waits', polling, { workMs: 0 });
await others.end();

for (const each of clients) await each.beforeApplicationShutdown();
await dataSource.destroy();
worker.stdin.end();
await once(worker, 'close');
await rm(folder, { recursive: true, force: true });
await database.drop();

function client(waitFor) {
  const made = new RiverClient(dataSource, { waitFor });
  clients.push(made);
  return made;
}

async function round(river, workMs) {
  const began = Date.now();
  const from = performance.now();
  const { job } = await river.insertAndWait(jobArgs('bench', { worker: { workMs, output: 1 } }));
  return {
    whole: performance.now() - from,
    start: job.attemptedAt - began,
    work: job.finalizedAt - job.attemptedAt,
    after: Date.now() - job.finalizedAt,
  };
}

async function report(name, river, { workMs, callers = 1 }) {
  const figures = [];
  const perCaller = Math.ceil(Number(rounds) / callers);
  const caller = async () => {
    for (let n = 0; n < perCaller; n++) {
      await sleep(random.upTo(BATCH_MS));
      figures.push(await round(river, workMs));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const column = (key) => {
    const values = figures.map((figure) => figure[key]);
    return `${quantile(values, 0.5).toFixed(0)} (${quantile(values, 0.95).toFixed(0)})`.padStart(
      14,
    );
  };
  console.log(`${name.padEnd(31)}${['whole', 'start', 'work', 'after'].map(column).join('')}`);
}

/** Jobs that nobody works, each with somebody who waits for it. */
async function withOthers(river, count) {
  const job = InsertManyParams.of(jobArgs('nobody', {}), { queue: 'nobody' });
  const results = await river.insertMany(Array.from({ length: count }, () => job));
  const abort = new AbortController();
  const waits = results.map(({ job }) =>
    river.waitFor(job, { timeoutMs: null, signal: abort.signal }).catch(() => undefined),
  );
  return {
    async end() {
      abort.abort();
      await Promise.all(waits);
    },
  };
}

async function ask(request) {
  worker.stdin.write(`${JSON.stringify({ id: 1, ...request })}\n`);
  const [line] = await once(answers, 'line');
  const answer = JSON.parse(line);
  if (!answer.ok) throw new Error(answer.error);
}
