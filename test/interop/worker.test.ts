import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobArgs, RiverClient, RiverTransaction } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import type { GoWorked } from './support/go-protocol.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

/** Far longer than a test: what is worked within it was announced. */
const POLL_INTERVAL_MS = 30_000;
/** Notified, a job is worked after a few milliseconds, or after the worker's 100 ms between fetches. */
const SOON_MS = 300;
const PATIENCE_MS = 5_000;
/** Longer than our window for notifications, and Go's: no test begins in that of another. */
const COOLED_DOWN_MS = 250;

describeWithGo('a Go worker that polls every 30 s', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  describe.each(SCHEMAS)('in %s', (schema) => {
    let worker: string;
    let slowest = 0;
    let river: RiverClient;
    let dataSource: DataSource;
    /** When a job may be worked at the earliest: its insert or commit was answered. */
    const due = new Map<string, number>();

    beforeAll(async () => {
      ({ river, dataSource } = sides.app(schema));
      worker = await sides.go.work({
        schema,
        kinds: ['sort'],
        pollIntervalMs: POLL_INTERVAL_MS,
      });
      await untilItListens();
    }, 60_000);

    afterAll(async () => {
      process.stdout.write(`A Go worker in ${schema} took ${slowest} ms at most to start a job\n`);
      await sides.go.stopWork(worker);
    });

    /** The worker says when it runs, not when it hears: jobs show it. */
    async function untilItListens(): Promise<void> {
      for (let attempt = 0; attempt < 20; attempt++) {
        await insert('warm-up');
        await sleep(COOLED_DOWN_MS);
        const worked = await sides.go.worked(worker);
        if (worked.length > attempt) return;
      }
      throw new Error('the worker does not hear of jobs');
    }

    const args = (name: string): object => jobArgs('sort', { name });

    async function insert(name: string): Promise<void> {
      const { job } = await river.insert(args(name));
      due.set(String(job.id), Date.now());
    }

    /** Inserts in a transaction of its own that commits after a while. */
    async function insertTx(name: string, openMs = 0): Promise<void> {
      const id = await dataSource.transaction(async (manager) => {
        const { job } = await river.insertTx(manager, args(name));
        await sleep(openMs);
        return String(job.id);
      });
      due.set(id, Date.now());
    }

    async function insertAndRollBack(name: string): Promise<void> {
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await river.insertTx(runner, args(name));
      await runner.rollbackTransaction();
      await runner.release();
    }

    async function expectWorkedSoon(...names: readonly string[]): Promise<void> {
      const latencies: Record<string, number> = {};
      for (const name of names) {
        const { id, startedAtUnixMs } = await workedJob(name);
        latencies[name] = Math.round(startedAtUnixMs - (due.get(id) ?? Number.NaN));
      }
      const late = Object.entries(latencies).filter(([, latency]) => latency >= SOON_MS);
      expect(late).toEqual([]);
      slowest = Math.max(slowest, ...Object.values(latencies));
      await sleep(COOLED_DOWN_MS);
    }

    async function workedJob(name: string): Promise<GoWorked> {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const worked = await sides.go.worked(worker);
        const found = worked.find((each) => each.encodedArgs.includes(`"${name}"`));
        if (found !== undefined) return found;
        if (Date.now() > end) throw new Error(`'${name}' was not worked within ${PATIENCE_MS} ms`);
        await sleep(10);
      }
    }

    test('works a job inserted by itself', async () => {
      await insert('plain');
      await expectWorkedSoon('plain');
    });

    test('works a job when its transaction has committed', async () => {
      await insertTx('committed', 50);
      await expectWorkedSoon('committed');
    });

    describe.each(['transaction', 'afterCommit'] as const)('notified by mode %s', (mode) => {
      const runInMode = async (name: string): Promise<void> => {
        const client = new RiverClient(dataSource, { schema, notify: { mode } });
        const transaction = new RiverTransaction('default', dataSource);
        const { job } = await transaction.run(async () => {
          const undone = transaction.run({ propagation: 'NESTED' }, async () => {
            await client.insert(args(`${name}-undone`));
            throw new Error('undone');
          });
          await expect(undone).rejects.toThrow('undone');
          return await client.insert(args(name));
        });
        due.set(String(job.id), Date.now());
        await expectWorkedSoon(name);
        await client.beforeApplicationShutdown();
      };

      test('works a job of run(), inserted again after a savepoint was rolled back', async () => {
        await runInMode(`run-${mode}`);
      });
    });

    test('works a batch', async () => {
      const results = await river.insertMany([args('batch-1'), args('batch-2')]);
      for (const { job } of results) due.set(String(job.id), Date.now());
      await expectWorkedSoon('batch-1', 'batch-2');
    });

    test('works two jobs inserted 50 ms apart', async () => {
      await insert('first');
      await sleep(50);
      await insert('second');
      await expectWorkedSoon('first', 'second');
    });

    test('works ten jobs inserted 20 ms apart', async () => {
      const names = Array.from({ length: 10 }, (_, index) => `of-ten-${index}`);
      for (const name of names) {
        await insert(name);
        await sleep(20);
      }
      await expectWorkedSoon(...names);
    });

    test('works a job inserted 50 ms after another was rolled back', async () => {
      await insertAndRollBack('rolled-back');
      await sleep(50);
      await insert('after-rollback');
      await expectWorkedSoon('after-rollback');
    });

    test('works a job committed 50 ms after another was rolled back', async () => {
      await insertAndRollBack('rolled-back-too');
      await sleep(50);
      await insertTx('tx-after-rollback');
      await expectWorkedSoon('tx-after-rollback');
    });

    test('works a job of a transaction that commits 1 s after a job inserted by itself', async () => {
      await insert('before-long');
      await insertTx('long', 1_000);
      await expectWorkedSoon('before-long', 'long');
    });

    test('works a job inserted by itself while a transaction with another is open', async () => {
      const long = insertTx('open', 400);
      await sleep(50);
      await insert('meanwhile');
      await expectWorkedSoon('meanwhile');
      await long;
      await expectWorkedSoon('open');
    });

    test('works a job that is inserted again after its savepoint was rolled back', async () => {
      const id = await dataSource.transaction(async (manager) => {
        const failed = manager.transaction(async (nested) => {
          await river.insertTx(nested, args('savepoint'));
          throw new Error('no');
        });
        await expect(failed).rejects.toThrow('no');
        return String((await river.insertTx(manager, args('again'))).job.id);
      });
      due.set(id, Date.now());
      await expectWorkedSoon('again');
      expect((await sides.go.worked(worker)).some(isOf('savepoint'))).toBe(false);
    });

    test('works a job that Go inserts 50 ms after one of ours, and one of ours after that', async () => {
      await insert('ours-before');
      await sleep(50);
      const { job } = await sides.go.insert(
        { kind: 'sort', encodedArgs: '{"name":"gos"}' },
        { schema },
      );
      due.set(job.id, Date.now());
      await sleep(50);
      await insert('ours-after');
      await expectWorkedSoon('ours-before', 'gos', 'ours-after');
    });
  });
});

function isOf(name: string): (worked: GoWorked) => boolean {
  return ({ encodedArgs }) => encodedArgs.includes(`"${name}"`);
}
