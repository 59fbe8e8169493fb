// How long jobs wait for River's Go worker when the clock of this process is ahead of the database's, or
// behind, for every way to insert: from the call to the start of the work, in milliseconds. Needs Go.
//
//   node test/bench/pick-up-times.mjs [--url postgres://…] [--rounds 5] [--lib ../../dist/lib/index.js]
import 'reflect-metadata';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { DataSource } from 'typeorm';
import { openDatabase } from './database.mjs';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    lib: { type: 'string', default: '../../dist/lib/index.js' },
  },
});
const { InsertManyParams, RiverClient, RiverTransaction, jobArgs } = await import(
  new URL(options.lib, import.meta.url).href
);

const SHIFTS = [0, 5, 20, 200, -5, -20, -200];
const KIND = 'picked';
/** Longer than the 100 ms between two fetches of the worker, and two notifications of ours. */
const REST_MS = 150;
const PATIENCE_MS = 10_000;
const RealDate = Date;

const program = await startGo();
const database = await openDatabase(options.url);
const dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
try {
  await program.ask('connect', { databaseUrl: database.url });
  const { worker } = await program.ask('work', { schema: 'public', kinds: [KIND] });
  await measure(worker);
  await program.ask('stopWork', { worker });
} finally {
  await dataSource.destroy();
  await program.close();
  await database.close();
}

async function measure(worker) {
  const forms = formsOf();
  await pickUp(worker, forms.insert);
  console.log(
    `Median of ${options.rounds} (and the longest), in ms, by how far the clock is ahead:\n`,
  );
  console.log(`| | ${SHIFTS.join(' | ')} |`);
  console.log(`| --- |${SHIFTS.map(() => ' --: |').join('')}`);
  for (const [name, insert] of Object.entries(forms)) {
    const cells = [];
    for (const shift of SHIFTS) {
      const times = [];
      for (let round = 0; round < Number(options.rounds); round++)
        times.push(await pickUp(worker, insert, shift));
      times.sort((a, b) => a - b);
      cells.push(`${times[times.length >> 1].toFixed(0)} (${times.at(-1).toFixed(0)})`);
    }
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

let picked = 0;

/** Of the first of the jobs that a call inserts. */
async function pickUp(worker, insert, shift = 0) {
  await sleep(REST_MS);
  const name = `${RealDate.now()}-${(picked += 1)}`;
  const before = RealDate.now();
  setClock(shift);
  try {
    await insert(name);
  } finally {
    setClock(0);
  }
  const end = RealDate.now() + PATIENCE_MS;
  for (;;) {
    const { jobs } = await program.ask('worked', { worker });
    const started = jobs.filter((job) => job.encodedArgs.includes(name));
    if (started.length > 0) return Math.min(...started.map((job) => job.startedAtUnixMs)) - before;
    if (RealDate.now() > end) return Number.NaN;
    await sleep(5);
  }
}

function formsOf() {
  const river = new RiverClient(dataSource, {});
  const alone = new RiverClient(dataSource, { coalesce: false });
  const transaction = new RiverTransaction('default', dataSource);
  const job = (name, number = 1) => jobArgs(KIND, { name, number });
  const unique = { uniqueOpts: { byArgs: true } };
  const locked = { uniqueOpts: { byArgs: true, byState: ['available'] } };
  const two = (name, opts) => [1, 2].map((n) => InsertManyParams.of(job(name, n), opts));
  const inTransaction = (work) => dataSource.transaction(work);
  return {
    insert: (name) => alone.insert(job(name)),
    'insert, coalesced': (name) => Promise.all([1, 2, 3].map((n) => river.insert(job(name, n)))),
    'insert of a unique job': (name) => alone.insert(job(name), unique),
    'insert of a unique job with a lock': (name) => alone.insert(job(name), locked),
    insertMany: (name) => alone.insertMany(two(name)),
    'insertMany of unique jobs': (name) => alone.insertMany(two(name, unique)),
    'run, insert': (name) => transaction.run(() => alone.insert(job(name))),
    insertTx: (name) => inTransaction((tx) => alone.insertTx(tx, job(name))),
    insertManyTx: (name) => inTransaction((tx) => alone.insertManyTx(tx, two(name))),
    insertManyFast: (name) => alone.insertManyFast(two(name)),
    'insertManyFast, skip': (name) => alone.insertManyFast(two(name), { onConflict: 'skip' }),
    insertManyFastTx: (name) => inTransaction((tx) => alone.insertManyFastTx(tx, two(name))),
  };
}

function setClock(shift) {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) =>
      args.length === 0 ? new target(target.now() + shift) : Reflect.construct(target, args),
    get: (target, key) => (key === 'now' ? () => target.now() + shift : Reflect.get(target, key)),
  });
  if (shift === 0) globalThis.Date = RealDate;
}

/** The Go program of the interop tests; see test/interop/go/main.go. */
async function startGo() {
  const folder = await mkdtemp(join(tmpdir(), 'pick-up-'));
  const executable = join(folder, 'interop');
  const cwd = fileURLToPath(new URL('../interop/go/', import.meta.url));
  console.error("Building River's Go client …");
  await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', executable, '.'], { cwd });
  const child = spawn(executable, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, ok, result, error } = JSON.parse(line);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (ok) resolve(result);
    else reject(new Error(error));
  });
  let lastId = 0;
  return {
    ask: (op, request) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ ...request, id, op })}\n`);
      }),
    close: async () => {
      child.stdin.end();
      await once(child, 'close');
      await rm(folder, { recursive: true });
    },
  };
}
