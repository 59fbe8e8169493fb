import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jobArgs, RiverError } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { INTEROP_SEED, runSize } from '../support/run-size.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const numRuns = runSize('FAST_FAULT_RUNS', { here: 60, ci: 300 });
const seed = INTEROP_SEED;

let client: StartedClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 2 }, river: { notify: false } });
});
afterAll(() => client.stop());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What goes wrong: at one of the items, or after some milliseconds. */
const faults = fc.record({
  size: fc.integer({ min: 0, max: 3_000 }),
  at: fc.integer({ min: 0, max: 3_000 }),
  afterMs: fc.integer({ min: 0, max: 60 }),
  fault: fc.constantFrom('none', 'throws', 'is bad', 'abort', 'kill'),
  onConflict: fc.constantFrom('fail' as const, 'skip' as const),
  inTransaction: fc.boolean(),
  isAsync: fc.boolean(),
});
type Fault = typeof faults extends fc.Arbitrary<infer T> ? T : never;

function* itemsOf({ size, at, fault }: Fault): Generator<object> {
  const text = 'x'.repeat(200);
  for (let id = 0; id < size; id++) {
    if (id === at && fault === 'throws') throw new Error('no more');
    yield jobArgs('plain', { text, id: id === at && fault === 'is bad' ? Number.NaN : id });
  }
}

async function* slowly(items: Iterable<object>): AsyncGenerator<object> {
  let count = 0;
  for (const item of items) {
    if (++count % 1_000 === 0) await pause(2);
    yield item;
  }
}

const others = `from pg_stat_activity where datname = current_database()
  and backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'`;

/** Until the server has heard that a client is gone. */
async function serverIsIdle(): Promise<void> {
  for (;;) {
    const [row] = await queryAll<{ busy: number }>(
      client.database,
      `select count(*)::int as busy ${others}`,
    );
    if (row?.busy === 0) return;
    await pause(10);
  }
}

async function outcomeOf(given: Fault): Promise<unknown> {
  const abort = new AbortController();
  const faulty = pause(given.afterMs).then(async () => {
    if (given.fault === 'abort') abort.abort();
    if (given.fault === 'kill')
      await queryAll(client.database, `select pg_terminate_backend(pid) ${others}`);
  });
  const { river, transaction } = client;
  const { onConflict } = given;
  const insert = (): Promise<unknown> => {
    const items = itemsOf(given);
    const opts = { onConflict, signal: abort.signal };
    return river.insertManyFast(given.isAsync ? slowly(items) : items, opts);
  };
  try {
    return await (given.inTransaction ? transaction.run(insert) : insert());
  } catch (error) {
    return error;
  } finally {
    await faulty;
  }
}

test(
  `all or none, and every connection is there again, whatever goes wrong: ${numRuns} inserts, INTEROP_SEED=${seed}`,
  async () => {
    const seen: Record<string, number> = {};
    const property = fc.asyncProperty(faults, async (given) => {
      const outcome = await outcomeOf(given);
      await serverIsIdle();
      const stored = await countJobs(client.database);
      await queryAll(client.database, 'truncate river_job');
      const hasFailed = outcome instanceof Error;
      const name = `${given.fault}: ${outcome instanceof RiverError ? outcome.code : 'stored'}`;
      seen[name] = (seen[name] ?? 0) + 1;
      if (hasFailed) {
        expect(outcome).toBeInstanceOf(RiverError);
        // Of a connection that ended after the last job was sent, nobody is told what became of it.
        expect(given.fault === 'kill' ? [0, given.size] : [0]).toContain(stored);
      } else {
        expect(outcome).toEqual({ inserted: given.size, skipped: 0 });
        expect(stored).toBe(given.size);
      }
      // Both connections of the pool are to be had.
      await Promise.all([1, 2].map(() => client.dataSource.query('select pg_sleep(0.001)')));
    });
    await fc.assert(property, { numRuns, seed });
    process.stdout.write(`${numRuns} inserts, seed ${seed}: ${JSON.stringify(seen)}\n`);
    expect(Object.keys(seen).length).toBeGreaterThan(4);
  },
  60_000 + numRuns * 500,
);
