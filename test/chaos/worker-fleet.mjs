/*
 * A fleet of two Go and two Node workers, of which one is killed by SIGKILL every few seconds and started
 * again. Afterwards every job is completed, no job that was completed has been worked again, every extra
 * attempt follows one of a worker that was killed, and transactional jobs have had their effect once.
 *
 *   npm run build && node test/chaos/worker-fleet.mjs [jobs] [postgres://…]
 *
 * Needs Go. Without a URL it starts or finds a server as the tests do.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase } from './database.mjs';
import { randomOf } from './random.mjs';

const [jobs = '10000', url] = process.argv.slice(2);
const JOBS = Number(jobs);
const SLOTS = 20;
const TIMEOUT_MS = 3_000;
const RESCUE_AFTER_MS = 5_000;
const KILL_EVERY_MS = 2_500;
const LONGEST_WORK_MS = 300;
const random = randomOf(1, 0);

const database = await createDatabase(url);
const folder = await mkdtemp(join(tmpdir(), 'worker-fleet-'));
const program = join(folder, 'worker');
execFileSync('go', ['build', '-o', program, '.'], { cwd: 'test/interop/go' });
const client = new pg.Client({ connectionString: database.url });
await client.connect();
await client.query('create table effect (job_id bigint not null, attempt int not null)');
await client.query(
  // Go knows both kinds, or its leader would discard those lost jobs that it has no worker for; it works
  // one queue alone.
  `insert into river_job (args, kind, queue, max_attempts, state)
   select jsonb_build_object('ms', ms, 'worker', jsonb_build_object('workMs', ms)),
     case when n % 2 = 0 then 'plain' else 'transactional' end,
     case when n % 2 = 0 then 'default' else 'node' end, 25, 'available'
   from generate_series(1, $1) as n, lateral (select (n * 7919) % $2 as ms) as m`,
  [JOBS, LONGEST_WORK_MS],
);

const killed = new Set();
let kills = 0;
let started = 0;
const fleet = await Promise.all([startGo(), startGo(), startNode(), startNode()]);
const began = performance.now();
let killing = true;
const killer = (async () => {
  while (killing) {
    await sleep(KILL_EVERY_MS);
    const place = random.upTo(fleet.length - 1);
    const victim = fleet[place];
    victim.process.kill('SIGKILL');
    await once(victim.process, 'exit');
    for (const id of await victim.ids()) killed.add(id);
    kills++;
    fleet[place] = await victim.again();
  }
})();

let left = JOBS;
while (left > 0) {
  await sleep(500);
  left = await number(`select count(*) from river_job where state <> 'completed'`);
  // Once few are left, those of killed workers wait for the rescuer: nobody is killed any more.
  if (left < JOBS / 20) killing = false;
}
await killer;
const seconds = ((performance.now() - began) / 1000).toFixed(0);
for (const each of fleet) await each.stop();

const { rows } = await client.query('select id, attempt, attempted_by, errors from river_job');
let extra = 0;
const unexplained = [];
const workers = { go: 0, node: 0 };
for (const { id, attempt, attempted_by: by } of rows) {
  workers[by.at(-1).startsWith('node-') ? 'node' : 'go']++;
  extra += attempt - 1;
  const isExplained = by.slice(0, -1).every((clientId) => killed.has(clientId));
  if (by.length !== attempt || !isExplained) unexplained.push({ id, attempt, by });
}
const transactional = await number(`select count(*) from river_job where kind = 'transactional'`);
const effects = await number('select count(*) from effect');
const twice = await number(
  'select count(*) from (select from effect group by job_id having count(*) > 1) as t',
);
console.log(
  `${rows.length} jobs completed in ${seconds} s, ${workers.go} by Go and ${workers.node} by Node; ${kills} kills, ` +
    `${extra} extra attempts, ${unexplained.length} of them not explained by a kill; ${transactional} transactional ` +
    `jobs, ${effects} effects, ${twice} jobs with more than one`,
);
console.log(unexplained.slice(0, 5));
await client.end();
await rm(folder, { recursive: true, force: true });
await database.drop();
process.exitCode =
  rows.length === JOBS && unexplained.length === 0 && effects === transactional && twice === 0
    ? 0
    : 1;

async function number(sql) {
  return Number((await client.query({ text: sql, rowMode: 'array' })).rows[0][0]);
}

async function startNode() {
  const clientId = `node-${++started}`;
  const options = {
    url: database.url,
    clientId,
    slots: SLOTS,
    timeoutMs: TIMEOUT_MS,
    rescueAfterMs: RESCUE_AFTER_MS,
  };
  const child = spawn(process.execPath, ['test/chaos/fleet-worker.mjs', JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface(child.stdout), 'line');
  return {
    process: child,
    ids: () => [clientId],
    again: startNode,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function startGo() {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const lines = createInterface(child.stdout);
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify({ id: 1, ...request })}\n`);
    const [line] = await once(lines, 'line');
    const answer = JSON.parse(line);
    if (!answer.ok) throw new Error(answer.error);
    return answer.result;
  };
  await ask({ op: 'connect', databaseUrl: database.url });
  const clientId = `go-${++started}`;
  const { worker } = await ask({
    op: 'work',
    schema: 'public',
    kinds: ['plain', 'transactional'],
    queues: { default: SLOTS },
    jobTimeoutMs: TIMEOUT_MS,
    rescueAfterMs: RESCUE_AFTER_MS,
    clientId,
  });
  return {
    process: child,
    ids: () => [clientId],
    again: startGo,
    stop: async () => {
      await ask({ op: 'stopWork', worker });
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
