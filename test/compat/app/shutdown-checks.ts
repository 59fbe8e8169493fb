import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { check } from './check.js';
import { counter } from './insert-checks.js';
import type { Told } from './shutdown-app.js';

const PROGRAM = join(dirname(process.argv[1] ?? ''), 'shutdown-app.js');

/** SIGTERM in the middle of requests, whichever module is imported first. */
export async function shutdownChecks(url: string): Promise<void> {
  for (const first of ['TypeOrmModule', 'RiverModule']) {
    await check(`SIGTERM in the middle of requests, ${first} imported first`, async () => {
      const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
      try {
        await dataSource.query('truncate compat_order, river_job');
        await endInTheMiddle(url, first);
        const count = counter(dataSource);
        const kinds = ['send_receipt', 'by_itself', 'late'];
        const jobs = kinds.map((kind) => count('river_job', `kind = '${kind}'`));
        assert.deepEqual(await Promise.all(jobs), [1, 1, 0]);
        assert.equal(await count('compat_order'), 1);
      } finally {
        await dataSource.destroy();
      }
    });
    await check(
      `SIGTERM while a request holds a transaction, ${first} imported first`,
      async () => {
        const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
        try {
          await dataSource.query('truncate compat_order, river_job');
          await endWhileHeld(url, first);
          assert.equal(await counter(dataSource)('compat_order'), 0);
        } finally {
          await dataSource.destroy();
        }
      },
    );
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<[number | null, string | null]>;
  readonly told: readonly Told[];
  readonly waitFor: (at: Told['at']) => Promise<Told>;
  readonly post: (path: string) => Promise<Response>;
}

async function start(databaseUrl: string, first: string, limitMs: number): Promise<Started> {
  const child = fork(PROGRAM, [databaseUrl, first, String(limitMs)]);
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const told: Told[] = [];
  child.on('message', (message: Told) => told.push(message));
  const waitFor = async (at: Told['at']): Promise<Told> => {
    for (;;) {
      const found = told.find((each) => each.at === at);
      if (found !== undefined) return found;
      assert.equal(child.exitCode, null, `ended before it was ${at}`);
      await pause(10);
    }
  };
  const { url } = await waitFor('listening');
  const post = (path: string): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers: { connection: 'close' } });
  return { child, exited, told, waitFor, post };
}

/** The limit counts although the servers wait for the request: nothing ends before it is over. */
async function endWhileHeld(databaseUrl: string, first: string): Promise<void> {
  const { child, exited, waitFor, post } = await start(databaseUrl, first, 300);
  const answer = post('/slow/stuck');
  await waitFor('started');
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
  assert.equal((await answer).status, 500);
  assert.deepEqual(await exited, [null, 'SIGTERM']);
  clearTimeout(limit);
}

async function endInTheMiddle(databaseUrl: string, first: string): Promise<void> {
  const { child, exited, told, waitFor, post } = await start(databaseUrl, first, 10_000);
  const answer = post('/slow');
  await waitFor('started');
  const insert = await post('/slow/insert');
  child.kill('SIGTERM');
  await pause(200);
  child.send('go on');
  assert.deepEqual([insert.status, (await answer).status], [201, 201]);
  assert.deepEqual(await exited, [null, 'SIGTERM']);
  assert.deepEqual(
    told.filter(({ at }) => at === 'destroying'),
    [{ at: 'destroying', refused: 'ShuttingDownError' }],
  );
}
