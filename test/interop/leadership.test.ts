import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryAll } from '../support/index.js';
import { startScriptedWorker } from './support/scripted-worker.js';
import { useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

/** River's clients bid every 5 to 6 s, and at once when a leader resigns. */
const TAKEN_OVER_MS = 8_000;
const SCHEMA = 'public';

describeWithGo('one client of a fleet of Go and Node leads', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  async function leader(): Promise<string | undefined> {
    const [row] = await queryAll<{ leader_id: string }>(
      sides.database,
      `select leader_id from ${SCHEMA}.river_leader where expires_at > now()`,
    );
    return row?.leader_id;
  }

  async function untilLed(
    by: (id: string | undefined) => boolean,
    withinMs: number,
  ): Promise<void> {
    const end = Date.now() + withinMs;
    for (; Date.now() < end; await sleep(50)) if (by(await leader())) return;
    throw new Error(`the leader is ${String(await leader())}`);
  }

  const startGo = (clientId: string): Promise<{ worker: string }> =>
    sides.go.ask('work', { schema: SCHEMA, kinds: ['led'], queues: { led: 1 }, clientId });
  const startNode = (clientId: string, maintenance: 'auto' | 'elect') =>
    startScriptedWorker(sides.database, {
      schema: SCHEMA,
      kinds: ['led'],
      queues: { led: 1 },
      clientId,
      maintenance,
    });

  test('a Node worker leaves the lead to a Go client, takes it when that is gone, and hands it back', async () => {
    const go = await startGo('go-1');
    await untilLed((id) => id === 'go-1', TAKEN_OVER_MS);
    const node = await startNode('node-1', 'auto');
    await sleep(2_000);
    expect(await leader()).toBe('go-1');
    await sides.go.stopWork(go.worker);
    // Nobody else is there: it waits for longer than a Go client would.
    await sleep(5_000);
    expect(await leader()).toBeUndefined();
    await untilLed((id) => id === 'node-1', 10_000);
    expect(node.worker.status().isLeader).toBe(true);
    const next = await startGo('go-2');
    await node.stop();
    await untilLed((id) => id === 'go-2', TAKEN_OVER_MS);
    await sides.go.stopWork(next.worker);
    expect(await leader()).toBeUndefined();
  }, 60_000);

  test('as an equal, it takes over from a Go client that resigns, and the other way round', async () => {
    const go = await startGo('go-3');
    await untilLed((id) => id === 'go-3', TAKEN_OVER_MS);
    const node = await startNode('node-2', 'elect');
    await sides.go.stopWork(go.worker);
    await untilLed((id) => id === 'node-2', TAKEN_OVER_MS);
    const next = await startGo('go-4');
    await node.stop();
    await untilLed((id) => id === 'go-4', TAKEN_OVER_MS);
    await sides.go.stopWork(next.worker);
  }, 60_000);

  test('a lease that was taken away ends the term', async () => {
    const node = await startNode('node-3', 'elect');
    await untilLed((id) => id === 'node-3', TAKEN_OVER_MS);
    await queryAll(
      sides.database,
      `update ${SCHEMA}.river_leader set leader_id = 'somebody', elected_at = now(), expires_at = now() + interval '1 hour'`,
    );
    for (const end = Date.now() + TAKEN_OVER_MS; node.worker.status().isLeader; await sleep(50))
      if (Date.now() > end) throw new Error('it still leads');
    await node.stop();
    expect(await leader()).toBe('somebody');
    await queryAll(sides.database, `delete from ${SCHEMA}.river_leader`);
  }, 60_000);
});
