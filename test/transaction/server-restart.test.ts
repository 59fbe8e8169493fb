import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CommitOutcomeUnknownError, DatabaseError } from 'nestjs-river';
import { QueryFailedError } from 'typeorm';
import type { StartedClient } from '../client/started-client.js';
import { randomOf } from '../chaos/random.mjs';
import { installRiver, queryAll, type TestDatabase } from '../support/index.js';
import { INTEROP_SEED } from '../support/run-size.js';
import { askCommitOutcome } from '../../lib/transaction/engine/commit-outcome.js';
import {
  CREATE_ORDERS,
  forget,
  inUse,
  NOT_IN_USE,
  OrderEntity,
  SendReceipt,
  startShop,
} from './orders.js';
import { RestartableServer } from './restartable-server.mjs';

const AT_ONCE = 8;
const random = randomOf(INTEROP_SEED, 0);

let server: RestartableServer;
let database: TestDatabase;
let shop: StartedClient;
beforeAll(async () => {
  server = await RestartableServer.start(await freePort());
  database = { name: 'postgres', url: server.url, schema: 'public' };
  await installRiver(database);
  await queryAll(database, CREATE_ORDERS);
  shop = await startShop({ database, max: 4, extra: { connectionTimeoutMillis: 1_000 } });
}, 60_000);
afterEach(() => forget(database));
afterAll(async () => {
  await shop.stop();
  await server.stop();
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  return port;
}

let serial = 0;

/** An order, its job, and another of each in a savepoint, with pauses in which the server may go. */
async function place(item: string): Promise<void> {
  const { transaction, river } = shop;
  await transaction.run(async (manager) => {
    await manager.save(OrderEntity, { item });
    await pause(random.upTo(10));
    await river.insert(new SendReceipt(item));
    await transaction.run({ propagation: 'NESTED' }, async () => {
      await pause(random.upTo(10));
      await river.insert(new SendReceipt(item));
    });
    await pause(random.upTo(10));
  });
}

/** Places orders until told to stop, and takes note of what its callers were told. */
async function placeAll(told: Map<string, unknown>, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const item = `${serial++}`;
    told.set(
      item,
      await place(item).then(
        () => 'stored',
        (error: unknown) => error,
      ),
    );
    // While it is away each attempt is refused at once.
    if (told.get(item) !== 'stored') await pause(20);
  }
}

/** One that says that the connection broke, or that there is none to be had. */
function isClear(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.retryable;
  if (!(error instanceof QueryFailedError)) return false;
  const { message, code } = error.driverError as Error & { code?: string };
  return /^57P0[123]$/.test(code ?? '') || /^(Connection terminated|read ECONNRESET)/.test(message);
}

/** Holds what callers were told against what is stored, and counts it. */
async function judge(told: Map<string, unknown>): Promise<Readonly<Record<string, number>>> {
  const rows = await queryAll<{ item: string; orders: number; jobs: number }>(
    database,
    `select coalesce(item, args->>'item') as item, count(distinct o.id)::int as orders,
       count(distinct j.id)::int as jobs
     from orders o full join river_job j on args->>'item' = item group by 1`,
  );
  const stored = new Map(rows.map(({ item, orders, jobs }) => [item, [orders, jobs]]));
  const counts: Record<string, number> = {};
  for (const [item, outcome] of told) {
    const kind = await kindOf(outcome);
    counts[kind] = (counts[kind] ?? 0) + 1;
    const whole = [item, kind, [1, 2]];
    const nothing = [item, kind, undefined];
    const expected = { stored: [whole], committed: [whole], unknown: [whole, nothing] }[kind];
    expect(expected ?? [nothing]).toContainEqual([item, kind, stored.get(item)]);
    stored.delete(item);
  }
  expect([...stored]).toEqual([]);
  return counts;
}

async function kindOf(outcome: unknown): Promise<string> {
  if (outcome === 'stored') return outcome;
  if (outcome instanceof CommitOutcomeUnknownError) return await outcome.resolve();
  expect([outcome, isClear(outcome)]).toEqual([outcome, true]);
  return 'refused';
}

describe.each([
  ['in order', 'SIGINT'],
  ['by a crash', 'SIGQUIT'],
] as const)('a server that restarts %s, in the middle of transactions', (_how, signal) => {
  test('callers are told the truth, and later requests work', async () => {
    const told = new Map<string, unknown>();
    let isOver = false;
    const workers = Array.from({ length: AT_ONCE }, () => placeAll(told, () => isOver));
    for (let round = 0; round < 3; round++) {
      await pause(random.between(200, 300));
      await server.goAway(signal);
      await pause(100);
      await server.comeBack();
    }
    await pause(200);
    isOver = true;
    await Promise.all(workers);
    expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);

    const later = Array.from({ length: AT_ONCE }, (_, n) => `later ${signal} ${n}`);
    await Promise.all(later.map((item) => place(item)));
    for (const item of later) told.set(item, 'stored');
    const { stored = 0, refused = 0, unknown = 0 } = await judge(told);
    expect(stored).toBeGreaterThan(AT_ONCE);
    expect(refused).toBeGreaterThan(AT_ONCE);
    if (signal === 'SIGINT') expect(unknown).toBe(0);
  }, 60_000);
});

test('resolve() is not taken in by an id that a server gives out again after a crash', async () => {
  const runner = shop.dataSource.createQueryRunner();
  const insert = `insert into orders (item) values ($1) returning pg_current_xact_id()::text as xid`;
  await runner.startTransaction();
  const [{ xid } = { xid: '' }] = (await runner.query(insert, ['lost'])) as { xid: string }[];
  const openAt = performance.now();
  await server.goAway('SIGQUIT');
  await runner.release();
  await server.comeBack();

  const [again] = await queryAll<{ xid: string }>(database, insert, ['of another']);
  expect(again?.xid).toBe(xid);
  expect(await askCommitOutcome(shop.dataSource, { xid, openAt })).toBe('unknown');
  // Whoever asks for a transaction of after the crash is told.
  const now = { xid, openAt: performance.now() };
  await pause(10);
  expect(await askCommitOutcome(shop.dataSource, now)).toBe('committed');
});
