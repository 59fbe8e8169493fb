// Kills a process with many transactions under way, again and again. Afterwards every order has its
// jobs, and every job its order.
//
//   npm run build && node test/chaos/kill.mjs [--runs 200] [--seed 1] [--url postgres://…]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createDatabase } from './database.mjs';
import { randomOf } from './random.mjs';

const WORKER = fileURLToPath(new URL('kill-worker.mjs', import.meta.url));
const TABLE = 'create table kill_order (tag text primary key)';
const DISAGREEING = `
  select coalesce(o.tag, j.tag) as tag, o.tag is not null as has_order, coalesce(j.n, 0) as jobs
  from kill_order o
  full join (select args->>'tag' as tag, count(*)::int as n from river_job group by 1) j
    on j.tag = o.tag
  where o.tag is null or j.n is distinct from 2`;

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    url: { type: 'string' },
  },
});
const random = randomOf(Number(given.seed), 0);
const database = await createDatabase(given.url);
const admin = new pg.Pool({ connectionString: database.url, max: 1 });
try {
  await admin.query(TABLE);
  let told = 0;
  let lost = 0;
  for (let run = 0; run < Number(given.runs); run++) {
    const committed = await killInTheMiddle(run);
    told += committed.length;
    lost += await missing(committed);
  }
  await backendsGone();
  const { rows: wrong } = await admin.query(DISAGREEING);
  const { rows } = await admin.query('select count(*)::int as n from kill_order');
  console.log(
    `${given.runs} processes killed, seed ${given.seed}; ${rows[0].n} orders stored, ${told} told committed`,
  );
  console.log(`told committed and not there: ${lost}`);
  console.log(`orders and jobs that disagree: ${wrong.length}`);
  for (const row of wrong.slice(0, 5)) console.log(JSON.stringify(row));
  process.exitCode = wrong.length + lost === 0 && rows[0].n > 0 ? 0 : 1;
} finally {
  await admin.end();
  await database.drop();
}

/** @returns the tags that the process had said were committed */
async function killInTheMiddle(run) {
  const worker = spawn(process.execPath, [WORKER, database.url, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(worker, 'exit');
  const lines = [];
  let rest = '';
  worker.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  while (lines.length === 0 && worker.exitCode === null) await sleep(5);
  await sleep(random.upTo(100));
  worker.kill('SIGKILL');
  const [code, signal] = await exit;
  if (signal !== 'SIGKILL') throw new Error(`The process of run ${run} ended itself, by ${code}.`);
  return lines;
}

async function missing(tags) {
  const { rows } = await admin.query(
    'select count(*)::int as n from kill_order where tag = any($1)',
    [tags],
  );
  return tags.length - rows[0].n;
}

/** What the processes had under way is over when their backends are. */
async function backendsGone() {
  for (;;) {
    const { rows } = await admin.query(
      `select count(*)::int as n from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    if (rows[0].n === 0) return;
    await sleep(50);
  }
}
