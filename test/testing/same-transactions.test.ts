import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { requireInserted, requireNotInserted, holdTransaction } from 'nestjs-river/testing';
import { SendReceipt, SIDES, SortArgs, type Side } from './sides.js';

class Failure extends Error {}

describe.each(SIDES)('%s, transactions', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  const kinds = async (): Promise<string[]> =>
    (await side.river.jobList()).jobs.map(({ kind }) => kind);

  test('run commits what was inserted in it, which others see only then', async () => {
    await side.transaction.run(async () => {
      await side.river.insert(new SortArgs([]));
      expect(await kinds()).toEqual(['sort']);
      expect(await side.transaction.outside(kinds)).toEqual([]);
      expect(side.transaction.isActive).toBe(true);
    });
    expect(await kinds()).toEqual(['sort']);
    expect(side.transaction.isActive).toBe(false);
  });

  test('run rolls back when its work throws, and passes the error on', async () => {
    const work = side.transaction.run(async () => {
      await side.river.insert(new SortArgs([]));
      await side.river.insertMany([new SendReceipt(1), new SendReceipt(2)]);
      throw new Failure();
    });
    await expect(work).rejects.toThrow(Failure);
    expect(await kinds()).toEqual([]);
    const again = await side.river.insert(new SendReceipt(1));
    expect(again.uniqueSkippedAsDuplicated).toBe(false);
  });

  test('a call that nobody awaits takes part, and fails the transaction where it fails', async () => {
    await side.transaction.run((manager) => {
      void side.river.insertTx(manager, new SortArgs([]));
    });
    expect(await kinds()).toEqual(['sort']);
    const failing = side.transaction.run((manager) => {
      void side.river.insertTx(manager, new SortArgs([]));
      void side.river.insertTx(manager, new SortArgs([]), { priority: 9 });
    });
    await expect(failing).rejects.toMatchObject({ code: 'RIVER_INVALID_OPTION' });
    expect(await kinds()).toEqual(['sort']);
  });

  test('a nested transaction is undone alone', async () => {
    await side.transaction.run(async (manager) => {
      await side.river.insert(new SortArgs([]));
      const nested = side.transaction.run({ propagation: 'NESTED' }, async () => {
        await side.river.insert(new SendReceipt(1));
        await manager.transaction(async () => {
          await side.river.insert(new SendReceipt(2));
        });
        throw new Failure();
      });
      await expect(nested).rejects.toThrow(Failure);
      await side.transaction.run({ propagation: 'NESTED' }, async () => {
        await side.river.insert(new SendReceipt(3));
      });
      await side.transaction.run(async () => {
        await side.river.insert(new SortArgs([]));
      });
    });
    expect(await kinds()).toEqual(['sort', 'send_receipt', 'sort']);
    await requireInserted(side.river, SendReceipt, { args: { order: 3 } });
  });

  test('a unique key follows the job that holds it, through savepoints', async () => {
    const { river, transaction } = side;
    const isTaken = async (): Promise<boolean> => {
      const { job, uniqueSkippedAsDuplicated } = await river.insert(new SendReceipt(1));
      if (!uniqueSkippedAsDuplicated) await river.jobDelete(job.id);
      return uniqueSkippedAsDuplicated;
    };
    const { job } = await river.insert(new SendReceipt(1));
    await transaction.run(async () => {
      const undone = transaction.run({ propagation: 'NESTED' }, async () => {
        await river.jobCancel(job.id);
        await river.insert(new SendReceipt(1));
        expect(await isTaken()).toBe(true);
        throw new Failure();
      });
      await expect(undone).rejects.toThrow(Failure);
      expect(await isTaken()).toBe(true);
      await river.jobCancel(job.id);
      expect(await isTaken()).toBe(false);
      await river.jobRetry(job.id);
      expect(await isTaken()).toBe(true);
      await river.jobDelete(job.id);
    });
    expect(await isTaken()).toBe(false);
    expect(await kinds()).toEqual([]);
  });

  test('REQUIRES_NEW commits although the outer one rolls back', async () => {
    const outer = side.transaction.run(async () => {
      await side.river.insert(new SortArgs([]));
      await side.transaction.run({ propagation: 'REQUIRES_NEW' }, async () => {
        await side.river.insert(new SendReceipt(1));
      });
      throw new Failure();
    });
    await expect(outer).rejects.toThrow(Failure);
    expect(await kinds()).toEqual(['send_receipt']);
    await expect(
      side.transaction.run({ propagation: 'MANDATORY' }, () => undefined),
    ).rejects.toMatchObject({ code: 'RIVER_NOT_IN_TRANSACTION' });
  });

  test('hooks run after the end that they are for', async () => {
    const calls: string[] = [];
    const work = async (fail: boolean): Promise<void> => {
      side.transaction.afterCommit(async () => {
        calls.push(`commit: ${String(await kinds())}`);
      });
      side.transaction.afterRollback(() => void calls.push('rollback'));
      await side.river.insert(new SortArgs([]));
      if (fail) throw new Failure();
    };
    await side.transaction.run(() => work(false));
    await expect(side.transaction.run(() => work(true))).rejects.toThrow(Failure);
    expect(calls).toEqual(['commit: sort', 'rollback']);
  });

  test('a transaction of TypeORM is joined, explicitly or by the code that runs in it', async () => {
    await side.dataSource.transaction(async (manager) => {
      await side.river.insertTx(manager, new SortArgs([]));
      await side.river.insert(new SendReceipt(1));
      await requireInserted(manager, SortArgs);
    });
    expect(await kinds()).toEqual(['sort', 'send_receipt']);
    const queryRunner = side.dataSource.createQueryRunner();
    await expect(side.river.insertTx(queryRunner, new SortArgs([]))).rejects.toMatchObject({
      code: 'RIVER_NOT_IN_TRANSACTION',
    });
    await queryRunner.startTransaction();
    await side.river.insertManyTx(queryRunner, [new SortArgs([]), new SortArgs([])]);
    expect((await side.river.jobListTx(queryRunner)).jobs).toHaveLength(4);
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
    expect(await kinds()).toHaveLength(2);
  });

  test('what is begun and not awaited is part of the transaction', async () => {
    await side.transaction.run(() => {
      void side.river.insert(new SortArgs([]));
    });
    expect(await kinds()).toEqual(['sort']);
    const { priority } = { priority: 9 };
    const failed = side.transaction.run(async () => {
      await side.river.insert(new SortArgs([]));
      void side.river.insert(new SortArgs([]), { priority });
    });
    await expect(failed).rejects.toMatchObject({ code: 'RIVER_INVALID_OPTION' });
    expect(await kinds()).toEqual(['sort']);
  });

  test('an insert after the end is rejected', async () => {
    let late: () => Promise<unknown> = () => Promise.resolve();
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    await side.transaction.run(() => {
      late = () => begun.then(() => side.river.insert(new SortArgs([])));
    });
    const detached = side.transaction.run(() => {
      const insert = begun.then(() => side.river.insert(new SortArgs([])));
      late = () => insert;
    });
    await detached;
    begin();
    await expect(late()).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ENDED' });
    expect(await kinds()).toEqual([]);
  });

  test('a failed statement rolls the transaction back, even if its error is swallowed', async () => {
    const { job } = await side.river.insert(new SendReceipt(1));
    await side.river.jobCancel(job.id);
    await side.river.insert(new SendReceipt(1));
    const swallowing = side.transaction.run(async () => {
      await side.river.insert(new SortArgs([]));
      await side.river.jobRetry(job.id).catch(() => undefined);
    });
    await expect(swallowing).rejects.toMatchObject({ code: 'RIVER_TRANSACTION_ROLLED_BACK' });
    await requireNotInserted(side.river, SortArgs);
  });

  test('an equal unique job waits for the transaction that inserted the first', async () => {
    const insertOne = (fail: boolean) =>
      side.transaction.run(async () => {
        const result = await side.river.insert(new SendReceipt(1));
        if (fail) throw new Failure();
        return result.uniqueSkippedAsDuplicated;
      });
    const both = await Promise.all([insertOne(false), insertOne(false)]);
    expect(both.toSorted()).toEqual([false, true]);
    await side.clear();
    const [first, second] = await Promise.allSettled([insertOne(true), insertOne(false)]);
    expect(first.status).toBe('rejected');
    expect(second).toEqual({ status: 'fulfilled', value: false });
  });

  test('a transaction that is declared read-only takes no insert', async () => {
    const work = side.transaction.run({ readOnly: true }, () =>
      side.river.insert(new SortArgs([])),
    );
    await expect(work).rejects.toMatchObject({ sqlState: '25006' });
  });

  test('a transaction that the test holds is rolled back with all that was committed in it', async () => {
    const held = await holdTransaction(side.dataSource);
    await side.river.insert(new SortArgs([]));
    await side.transaction.run(async () => {
      await side.river.insert(new SendReceipt(1));
    });
    await requireInserted(held.manager, SendReceipt);
    await held.rollback();
    expect(await kinds()).toEqual([]);
  });
});
