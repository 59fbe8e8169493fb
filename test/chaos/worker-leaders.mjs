/*
 * Leadership of a fleet of two Go and two Node workers, as equals: whoever leads is stopped or killed every ten
 * seconds, and started again. Node's periodic jobs must be inserted exactly once per due time; those of Go are
 * inserted by Go leaders, none of them twice.
 *
 *   npm run build && node test/chaos/worker-leaders.mjs [minutes] [postgres://…]
 *
 * Needs Go.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase } from './database.mjs';

const [minutes = '10', url] = process.argv.slice(2);
const EVERY_MS = 2_000;
const END_LEADER_EVERY_MS = 10_000;

const database = await createDatabase(url);
const folder = await mkdtemp(join(tmpdir(), 'worker-leaders-'));
const program = join(folder, 'worker');
execFileSync('go', ['build', '-o', program, '.'], { cwd: 'test/interop/go' });
const client = new pg.Client({ connectionString: database.url });
await client.connect();

const fleet = new Map();
for (const start of [startGo, startGo, startNode, startNode]) {
  const worker = await start();
  fleet.set(worker.id, worker);
}
const until = performance.now() + Number(minutes) * 60_000;
const begun = Date.now();
const terms = [];
let ended = 0;
let endNext = performance.now() + END_LEADER_EVERY_MS;
let without = performance.now();
let longestGap = 0;
while (performance.now() < until) {
  await sleep(50);
  const { rows } = await client.query(
    'select leader_id from river_leader where expires_at > now()',
  );
  const leader = rows[0]?.leader_id;
  if (leader === undefined) continue;
  longestGap = Math.max(longestGap, performance.now() - without);
  without = performance.now();
  if (terms.at(-1) !== leader) terms.push(leader);
  if (performance.now() < endNext) continue;
  endNext = performance.now() + END_LEADER_EVERY_MS;
  const worker = fleet.get(leader);
  if (worker === undefined) continue;
  fleet.delete(leader);
  // Every other leader is killed.
  await (ended++ % 2 === 0 ? worker.stop() : worker.kill());
  const next = await worker.again();
  fleet.set(next.id, next);
}
const over = Date.now();
for (const worker of fleet.values()) await worker.stop();

const node = await dues('node-tick');
const first = Math.ceil(begun / EVERY_MS) * EVERY_MS + EVERY_MS;
const expected = [];
for (let due = first; due < over - EVERY_MS; due += EVERY_MS) expected.push(due);
const missing = expected.filter((due) => !node.includes(due));
const go = await dues('go-tick');
const byGo = terms.filter((id) => id.startsWith('go-')).length;
console.log(
  `${minutes} min: ${terms.length} terms, ${byGo} of them of Go; ${ended} leaders ended, every other one by SIGKILL; ` +
    `longest time without a leader ${(longestGap / 1000).toFixed(1)} s`,
);
console.log(
  `Node's periodic job: ${expected.length} due times, ${node.length - new Set(node).size} inserted twice, ` +
    `${missing.length} missing; Go's: ${go.length} inserted, ${go.length - new Set(go).size} twice`,
);
await client.end();
await rm(folder, { recursive: true, force: true });
await database.drop();
process.exitCode = missing.length === 0 && new Set(node).size === node.length ? 0 : 1;

async function dues(id) {
  const { rows } = await client.query(
    `select (extract(epoch from scheduled_at) * 1000)::float8 as due from river_job
     where metadata ->> 'river:periodic_job_id' = $1`,
    [id],
  );
  return rows.map(({ due }) => due);
}

async function startNode() {
  const id = `node-${Date.now()}`;
  const options = { url: database.url, clientId: id, slots: 5, periodicMs: EVERY_MS };
  const child = spawn(process.execPath, ['test/chaos/fleet-worker.mjs', JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface(child.stdout), 'line');
  return endings(child, { id, again: startNode, signal: () => child.kill('SIGTERM') });
}

async function startGo() {
  const id = `go-${Date.now()}`;
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const lines = createInterface(child.stdout);
  for (const request of [
    { op: 'connect', databaseUrl: database.url },
    {
      op: 'work',
      schema: 'public',
      kinds: ['plain', 'transactional'],
      queues: { default: 5 },
      clientId: id,
      periodic: [
        { id: 'go-tick', everyMs: EVERY_MS, job: { kind: 'plain', encodedArgs: '{"ms":0}' } },
      ],
    },
  ]) {
    child.stdin.write(`${JSON.stringify({ id: 1, ...request })}\n`);
    const answer = JSON.parse((await once(lines, 'line'))[0]);
    if (!answer.ok) throw new Error(answer.error);
  }
  // Its end closes the clients in order.
  return endings(child, { id, again: startGo, signal: () => child.stdin.end() });
}

function endings(child, { id, again, signal }) {
  const end = async (how) => {
    const exited = once(child, 'exit');
    how();
    await exited;
  };
  return { id, again, stop: () => end(signal), kill: () => end(() => child.kill('SIGKILL')) };
}
