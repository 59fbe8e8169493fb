import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobArgs, type JobRow, type RiverClient } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';

/** Far longer than a test: a worker that acts within it was told. */
const POLL_INTERVAL_MS = 30_000;
const PATIENCE_MS = 5_000;
/** Long enough for a job to be worked that a worker hears of, and then some. */
const WHILE_MS = 600;

describeWithGo('a Go worker that polls every 30 s', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
      await sleep(10);
    }
  }

  describe.each(SCHEMAS)('in %s', (schema) => {
    let river: RiverClient;
    let dataSource: DataSource;

    const insert = async (queue: string, kind = 'short'): Promise<string> =>
      (await river.insert(jobArgs(kind, {}), { queue })).job.id;

    const isOf =
      (state: string) =>
      async (id: string): Promise<JobRow | false> => {
        const job = await river.jobGet(id);
        return job.state === state && job;
      };

    const untilIs = (state: string, id: string): Promise<JobRow> =>
      until(`job ${id} ${state}`, () => isOf(state)(id));

    beforeAll(() => {
      ({ river, dataSource } = sides.app(schema));
    });

    describe('whose jobs take a minute', () => {
      let worker: string;
      let slowest = 0;

      beforeAll(async () => {
        worker = await sides.go.work({
          schema,
          kinds: ['long'],
          queues: { long: 20 },
          pollIntervalMs: POLL_INTERVAL_MS,
          workMs: 60_000,
        });
        // The worker says when it runs, not when it hears: a job that is cancelled shows it.
        await until('the worker hears', async () => {
          const id = await running();
          await river.jobCancel(id);
          await sleep(200);
          return isOf('cancelled')(id);
        });
      }, 60_000);

      afterAll(async () => {
        process.stdout.write(`A Go worker in ${schema} took ${slowest} ms at most to stop a job\n`);
        await sides.go.stopWork(worker);
      }, 30_000);

      /** A job that the worker has begun. */
      async function running(): Promise<string> {
        const id = await insert('long', 'long');
        await untilIs('running', id);
        return id;
      }

      async function expectStopped(id: string, since: number): Promise<void> {
        const stopped = await untilIs('cancelled', id);
        slowest = Math.max(slowest, Date.now() - since);
        expect(stopped.finalizedAt).not.toBeNull();
        expect(stopped.errors[0]?.error).toMatch(/cancel/i);
        expect(stopped.metadata).toHaveProperty('cancel_attempted_at');
      }

      test('stops a job that we cancel: its context is cancelled', async () => {
        const id = await running();
        const asked = await river.jobCancel(id);
        expect(asked).toMatchObject({ id, state: 'running', finalizedAt: null });
        await expectStopped(id, Date.now());
      });

      test('stops it at the COMMIT of the transaction that cancelled it, not before', async () => {
        const id = await running();
        await dataSource.transaction(async (manager) => {
          await river.jobCancelTx(manager, id);
          await sleep(WHILE_MS);
          expect(await isOf('running')(id)).not.toBe(false);
        });
        await expectStopped(id, Date.now());
      });

      test('goes on when that transaction is rolled back', async () => {
        const id = await running();
        const undone = dataSource.transaction(async (manager) => {
          await river.jobCancelTx(manager, id);
          throw new Error('undone');
        });
        await expect(undone).rejects.toThrow('undone');
        await sleep(WHILE_MS);
        expect(await isOf('running')(id)).toMatchObject({ metadata: {} });
        await river.jobCancel(id);
        await expectStopped(id, Date.now());
      });

      test('works a cancelled job again that we retry, once it finds it', async () => {
        const id = await running();
        await river.jobCancel(id);
        await untilIs('cancelled', id);
        expect(await river.jobRetry(id)).toMatchObject({ state: 'available', finalizedAt: null });
        // What wakes the worker is the next insert.
        const other = await running();
        const again = await untilIs('running', id);
        expect(again).toMatchObject({ attempt: 2 });
        expect(again.metadata).not.toHaveProperty('cancel_attempted_at');
        for (const each of [id, other]) {
          await river.jobCancel(each);
          await expectStopped(each, Date.now());
        }
      });

      test('is not asked when a waiting job is cancelled', async () => {
        const { job } = await river.insert(jobArgs('long', {}), { queue: 'long', delay: 60_000 });
        expect(await river.jobCancel(job.id)).toMatchObject({ state: 'cancelled', attempt: 0 });
      });

      test('keeps a running job from being deleted', async () => {
        const id = await running();
        await expect(river.jobDelete(id)).rejects.toThrow('running');
        await river.jobCancel(id);
        await expectStopped(id, Date.now());
        expect(await river.jobDelete(id)).toMatchObject({ id, state: 'cancelled' });
      });
    });

    describe('of two queues', () => {
      let worker: string;

      beforeAll(async () => {
        worker = await sides.go.work({
          schema,
          kinds: ['short'],
          queues: { left: 5, right: 5 },
          pollIntervalMs: POLL_INTERVAL_MS,
        });
        for (const queue of ['left', 'right']) {
          await until('the worker hears', async () => {
            const id = await insert(queue);
            await sleep(200);
            return isOf('completed')(id);
          });
        }
      }, 60_000);

      afterAll(async () => {
        await sides.go.stopWork(worker);
      });

      beforeEach(() => sleep(150));

      async function expectWaits(id: string): Promise<void> {
        await sleep(WHILE_MS);
        expect(await isOf('available')(id)).not.toBe(false);
      }

      test('pauses one, works the other, and resumes', async () => {
        await river.queuePause('left');
        await sleep(100);
        const [left, right] = [await insert('left'), await insert('right')];
        await untilIs('completed', right);
        await expectWaits(left);
        expect((await river.queueGet('left')).pausedAt).not.toBeNull();
        await river.queueResume('left');
        await untilIs('completed', left);
        expect((await river.queueGet('left')).pausedAt).toBeNull();
      });

      test("pauses and resumes all by '*'", async () => {
        await river.queuePause('*');
        await sleep(100);
        const ids = [await insert('left'), await insert('right')];
        for (const id of ids) await expectWaits(id);
        const { queues } = await river.queueList();
        const ours = queues.filter(({ name }) => ['left', 'right'].includes(name));
        expect(ours.map(({ pausedAt }) => pausedAt)).not.toContain(null);
        await river.queueResume('*');
        for (const id of ids) await untilIs('completed', id);
      });

      test('begins paused where the queue was paused before it was announced', async () => {
        await river.queuePause('unannounced');
        const queues = { unannounced: 5 };
        const paused = await sides.go.work({
          schema,
          kinds: ['short'],
          queues,
          pollIntervalMs: POLL_INTERVAL_MS,
        });
        try {
          const waiting = await insert('unannounced');
          await expectWaits(waiting);
          await river.queueResume('unannounced');
          await untilIs('completed', waiting);
        } finally {
          await sides.go.stopWork(paused);
        }
      });

      test('pauses at the COMMIT of the transaction, and not if it is rolled back', async () => {
        const undone = dataSource.transaction(async (manager) => {
          await river.queuePauseTx(manager, 'left');
          throw new Error('undone');
        });
        await expect(undone).rejects.toThrow('undone');
        await sleep(100);
        await untilIs('completed', await insert('left'));
        // By hand, so that the job is inserted outside the transaction.
        const runner = dataSource.createQueryRunner();
        await runner.startTransaction();
        await river.queuePauseTx(runner, 'left');
        await sleep(150);
        await untilIs('completed', await insert('left'));
        await sleep(150);
        await runner.commitTransaction();
        await runner.release();
        await sleep(100);
        const waiting = await insert('left');
        await expectWaits(waiting);
        await river.queueResume('left');
        await untilIs('completed', waiting);
      });

      test('keeps what a queue is paused since, and takes new metadata', async () => {
        await river.queuePause('right');
        const { pausedAt } = await river.queueGet('right');
        await river.queuePause('right');
        const updated = await river.queueUpdate('right', { metadata: { a: 1 } });
        expect(updated).toMatchObject({ name: 'right', pausedAt, metadata: { a: 1 } });
        await river.queueResume('right');
        await untilIs('completed', await insert('right'));
      });
    });
  });
});
