import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { runSize } from '../support/run-size.js';

const JOBS = runSize('KILL_JOBS', { here: 400, ci: 400 });
/** How many jobs one process completes before it is killed, at least. */
const JOBS_OF_A_PROCESS = 50;
const LONGEST_WORK_MS = 20;

interface Row {
  readonly attempt: number;
  readonly effects: number;
}

/** A worker in a process of its own. It rescues nothing. */
async function startWorker({ url }: TestDatabase, clientId: string): Promise<() => Promise<void>> {
  const limits = { slots: 20, timeoutMs: 60_000, rescueAfterMs: 60_000, maintenance: 'never' };
  const options = JSON.stringify({ url, clientId, ...limits });
  const child = spawn(process.execPath, ['test/chaos/fleet-worker.mjs', options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  await Promise.race([once(createInterface(child.stdout), 'line'), exit]);
  expect(child.exitCode).toBeNull();
  return async () => {
    child.kill('SIGKILL');
    await exit;
  };
}

test(`${JOBS} jobs with transaction: true have one effect each, however often their worker is killed`, async () => {
  const database = await createTestDatabase();
  await queryAll(database, 'create table effect (job_id bigint not null, attempt int not null)');
  await queryAll(
    database,
    `insert into river_job (args, kind, queue, max_attempts, state)
     select jsonb_build_object('ms', (n * 7919) % $2), 'transactional', 'node', 1000, 'available'
     from generate_series(1, $1) as n`,
    [JOBS, LONGEST_WORK_MS],
  );
  const left = async (): Promise<number> =>
    (await queryAll(database, `select from river_job where state <> 'completed'`)).length;
  for (let process = 1, before = JOBS; before > 0; process++) {
    const kill = await startWorker(database, `node-${process}`);
    const enough = Math.max(0, before - JOBS_OF_A_PROCESS);
    while ((before = await left()) > enough) await sleep(2);
    await kill();
    // Also those whose transactions are not over yet on the server: the next worker meets them.
    await queryAll(database, `update river_job set state = 'available' where state = 'running'`);
  }
  const rows = await queryAll<Row>(
    database,
    `select job.attempt, count(effect)::int as effects
     from river_job as job left join effect on effect.job_id = job.id and effect.attempt = job.attempt
     group by job.id`,
  );
  expect(rows.filter(({ effects }) => effects !== 1)).toEqual([]);
  expect(await queryAll(database, 'select from effect')).toHaveLength(JOBS);
  // Or nobody was killed at work.
  expect(rows.some(({ attempt }) => attempt > 1)).toBe(true);
}, 600_000);
