// How many transactions a minute an idle worker costs the database, as the leader of its fleet: ours and River's
// Go client, each with two queues.
//
//   npm run build && node test/bench/idle-transactions.mjs [seconds] [postgres://…]
//
// A statement outside a transaction counts as one, and so does a whole transaction. Needs Go.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase } from '../chaos/database.mjs';

const [seconds = '60', url] = process.argv.slice(2);
/** Milliseconds until a worker has become the leader, and has maintained everything once. */
const SETTLED_MS = 20_000;

const folder = await mkdtemp(join(tmpdir(), 'idle-'));
const program = join(folder, 'worker');
execFileSync('go', ['build', '-o', program, '.'], { cwd: 'test/interop/go' });
for (const [name, start] of Object.entries({ 'River in Go': startGo, 'nestjs-river': startNode })) {
  const database = await createDatabase(url);
  const stop = await start(database.url);
  await sleep(SETTLED_MS);
  const before = await transactions(database.url);
  await sleep(Number(seconds) * 1_000);
  const count = (await transactions(database.url)) - before;
  console.log(`${name}: ${((count * 60) / Number(seconds)).toFixed(0)} transactions a minute`);
  await stop();
  await database.drop();
}
await rm(folder, { recursive: true, force: true });

/** Counted from another database, which adds nothing; the server's counts are a second late at most. */
async function transactions(of) {
  const { pathname } = new URL(of);
  const admin = new URL(of);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  const { rows } = await client.query(
    'select xact_commit + xact_rollback as count from pg_stat_database where datname = $1',
    [pathname.slice(1)],
  );
  await client.end();
  return Number(rows[0].count);
}

async function startNode(databaseUrl) {
  const options = { url: databaseUrl, clientId: 'idle', slots: 10 };
  const child = spawn(process.execPath, ['test/chaos/fleet-worker.mjs', JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface(child.stdout), 'line');
  return async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
}

async function startGo(databaseUrl) {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify({ id: 1, ...request })}\n`);
    const [line] = await once(lines, 'line');
    const answer = JSON.parse(line);
    if (!answer.ok) throw new Error(answer.error);
  };
  await ask({ op: 'connect', databaseUrl });
  await ask({
    op: 'work',
    schema: 'public',
    kinds: ['plain', 'transactional'],
    queues: { default: 10, node: 10 },
  });
  return async () => {
    child.stdin.end();
    await once(child, 'exit');
  };
}
