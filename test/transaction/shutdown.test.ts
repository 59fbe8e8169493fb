import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { forget, NOTHING, stored } from './orders.js';
import { Way } from './way.js';

interface Told {
  readonly at?: string;
  readonly url?: string;
  readonly refused?: string;
  readonly unhandled?: string;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(database, 'create table orders (id serial primary key, item text not null)');
});
afterEach(() => forget(database));

/** The application in a process of its own, and what it tells. */
function start(
  order: string,
  shutdownTimeoutMs = 10_000,
  url = database.url,
): {
  readonly child: ChildProcess;
  readonly told: Told[];
  readonly waitFor: (at: string) => Promise<Told>;
} {
  const args = [url, order, String(shutdownTimeoutMs)];
  const child = fork('test/transaction/shutdown-app.mjs', args, { execArgv: [] });
  const told: Told[] = [];
  child.on('message', (message) => told.push(message as Told));
  return {
    child,
    told,
    async waitFor(at) {
      for (;;) {
        const found = told.find((each) => each.at === at);
        if (found !== undefined) return found;
        await Promise.race([
          once(child, 'message'),
          once(child, 'exit').then(([code]) => {
            throw new Error(`ended with ${String(code)} before it told of ${at}`);
          }),
        ]);
      }
    },
  };
}

describe.each(['typeorm first', 'river first'])('with %s', (order) => {
  test.each(['SIGTERM', 'app.close()'])(
    '%s in the middle of a request: it inserts, commits and answers; then all is closed',
    async (how) => {
      const { child, told, waitFor } = start(order);
      const exited = once(child, 'exit');
      const { url } = await waitFor('listening');
      const answer = fetch(`${url}/orders/slow`, {
        method: 'POST',
        headers: { connection: 'close' },
      });
      await waitFor('started');
      if (how === 'SIGTERM') child.kill('SIGTERM');
      else child.send('close');
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.send('go on');

      const response = await answer;
      expect([response.status, await response.json()]).toEqual([201, { stored: true }]);
      const [code, signal] = (await exited) as [number | null, string | null];
      expect(signal ?? code).toBe(how === 'SIGTERM' ? 'SIGTERM' : 0);
      expect(told).toContainEqual({ at: 'destroying', refused: 'ShuttingDownError' });
      expect(told.filter(({ unhandled }) => unhandled !== undefined)).toEqual([]);
      expect(await stored(database)).toEqual({ orders: ['slow'], jobs: 2 });
    },
  );

  test('a transaction that does not end is rolled back after shutdownTimeoutMs, and all is closed', async () => {
    const { child, told, waitFor } = start(order, 300);
    const exited = once(child, 'exit');
    const { url } = await waitFor('listening');
    await fetch(`${url}/orders/stuck`, { method: 'POST', headers: { connection: 'close' } });
    await waitFor('stuck');
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), 40_000);
    const [, signal] = (await exited) as [number | null, string | null];
    clearTimeout(limit);
    expect(signal).toBe('SIGTERM');
    expect(told).toContainEqual({ at: 'given up', refused: 'TransactionAbortedError' });
    expect(told.filter(({ unhandled }) => unhandled !== undefined)).toEqual([]);
    expect(await stored(database)).toEqual(NOTHING);
  });
});

test.each([
  ['commit', 'CommitOutcomeUnknownError'],
  ['rollback', 'RangeError'],
])(
  'a server that falls silent at %s does not keep the application from its end',
  async (end, name) => {
    const way = new Way(database.url);
    await way.open();
    const { child, told, waitFor } = start('river first', 300, way.url);
    const exited = once(child, 'exit');
    const { url } = await waitFor('listening');
    await fetch(`${url}/orders/${end}`, { method: 'POST', headers: { connection: 'close' } });
    await waitFor('about to end');
    way.isSilent = true;
    child.send('go on');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), 40_000);
    const [, signal] = (await exited) as [number | null, string | null];
    clearTimeout(limit);
    await way.close();
    expect(signal).toBe('SIGTERM');
    expect(told).toContainEqual({ at: 'given up', refused: name });
    expect(told.filter(({ unhandled }) => unhandled !== undefined)).toEqual([]);
    expect(await stored(database)).toEqual(NOTHING);
  },
);

test('a subscriber that keeps the COMMIT waiting for too long: rolled back, and not in doubt', async () => {
  const { child, told, waitFor } = start('river first', 300);
  const exited = once(child, 'exit');
  const { url } = await waitFor('listening');
  await fetch(`${url}/orders/subscribed`, { method: 'POST', headers: { connection: 'close' } });
  await waitFor('about to end');
  child.send('go on');
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill('SIGTERM');
  await exited;
  expect(told).toContainEqual({ at: 'given up', refused: 'TransactionAbortedError' });
  expect(told.filter(({ unhandled }) => unhandled !== undefined)).toEqual([]);
  expect(await stored(database)).toEqual(NOTHING);
});
