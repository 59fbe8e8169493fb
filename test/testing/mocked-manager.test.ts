import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { RiverClient, RiverModuleForRootOptions } from 'nestjs-river';
import {
  createFakeRiver,
  requireInserted,
  requireManyInserted,
  requireNotInserted,
  riverMatchers,
  type FakeRiver,
} from 'nestjs-river/testing';
import { automaticMock } from './automatic-mock.js';
import { SendReceipt, SortArgs } from './sides.js';

expect.extend(riverMatchers);

let fake: FakeRiver;
afterEach(() => fake.close());

async function start(options: RiverModuleForRootOptions = {}): Promise<RiverClient> {
  fake = await createFakeRiver(options);
  return fake.river;
}

const MANAGERS: readonly (readonly [name: string, mock: () => unknown])[] = [
  ['an automatic mock', automaticMock],
  ['a mock with one method', () => ({ update: jest.fn() })],
  ['a mock with a query runner', () => ({ save: jest.fn(), queryRunner: { query: jest.fn() } })],
];

describe.each(MANAGERS)('insertTx with %s of an entity manager', (_name, mock) => {
  test('stores the job, which the client and the manager show', async () => {
    const river = await start({ outsideTransaction: 'error' });
    const manager = mock() as EntityManager;
    const { job } = await river.insertTx(manager, new SendReceipt(1));
    expect(fake.river.inserted).toMatchObject([{ id: job.id, args: { order: 1 } }]);
    await river.insertManyTx(manager, [new SortArgs(['a'])]);
    await river.insertManyFastTx(manager, [new SortArgs(['b'])]);
    await requireManyInserted(manager, [SendReceipt, SortArgs, SortArgs]);
    await requireInserted(manager, SendReceipt, { args: { order: 1 } });
    await requireNotInserted(manager, SendReceipt, { args: { order: 2 } });
    await expect(manager).toHaveInserted(SortArgs, { args: { strings: ['b'] } });
    expect((await river.jobListTx(manager)).jobs).toHaveLength(3);
    await expect(river.insertTx(manager, new SendReceipt(1), { priority: 9 })).rejects.toThrow(
      /priority/,
    );
    expect((await river.insertTx(manager, new SendReceipt(1))).uniqueSkippedAsDuplicated).toBe(
      true,
    );
  });

  test('joins the transaction that the code is in, and is undone with it', async () => {
    const river = await start();
    const manager = mock() as EntityManager;
    const undone = fake.transaction.run(async () => {
      await river.insertTx(manager, new SendReceipt(1));
      await requireInserted(manager, SendReceipt);
      expect(fake.river.inserted).toHaveLength(1);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(fake.river.inserted).toEqual([]);
    await requireNotInserted(manager, SendReceipt);
  });
});

describe('beside a mock of a data source', () => {
  const manager = { save: jest.fn() } as unknown as EntityManager;
  const runs = (work: (given: EntityManager) => Promise<unknown>): Promise<unknown> =>
    work(manager);
  const failing = new Error('failing');

  /** What services do in `dataSource.transaction(...)`. */
  const place =
    (river: RiverClient, order: number) =>
    async (given: EntityManager): Promise<number> => {
      await river.insertTx(given, new SendReceipt(order));
      await river.insert(new SortArgs([String(order)]));
      if (order < 0) throw failing;
      return order;
    };

  test('a transaction that fails takes its jobs back, and parallel ones are apart', async () => {
    const transaction = jest.fn(runs);
    const dataSource = { manager, transaction } as unknown as DataSource;
    const river = await start({ dataSource });
    expect(await dataSource.transaction(place(river, 1))).toBe(1);
    expect(fake.river.inserted).toHaveLength(2);
    const parallel = [place(river, -1), place(river, 2), place(river, -2)];
    const results = await Promise.allSettled(parallel.map((work) => dataSource.transaction(work)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(fake.river.insertedOf(SendReceipt).map(({ args }) => args.order)).toEqual([1, 2]);
    const { transaction: wrapped } = dataSource as unknown as { transaction: jest.Mock };
    expect(wrapped).toHaveBeenCalledTimes(4);
    expect(wrapped).toHaveBeenLastCalledWith(expect.any(Function));
  });

  test('a mock that does not call the work stays as it is', async () => {
    const transaction = jest.fn(() => Promise.resolve('mocked'));
    const dataSource = { transaction } as unknown as DataSource;
    const river = await start({ dataSource });
    expect(await dataSource.transaction(place(river, 1))).toBe('mocked');
    expect(fake.river.inserted).toEqual([]);
    await fake.close();
    expect(dataSource).toHaveProperty('transaction', transaction);
  });

  test('one whose manager opens the transaction, also inside another', async () => {
    const transaction = jest.fn(runs);
    const dataSource = { manager: { ...manager, transaction } } as unknown as DataSource;
    const river = await start({ dataSource });
    await fake.transaction.run(async () => {
      await river.insert(new SortArgs(['outer']));
      await expect(dataSource.manager.transaction(place(river, -1))).rejects.toBe(failing);
      await dataSource.manager.transaction(place(river, 1));
    });
    const strings = fake.river.insertedOf(SortArgs).map(({ args }) => args.strings[0]);
    expect(strings).toEqual(['outer', '1']);
  });

  test.each([
    ['a mock with one method', () => ({ save: jest.fn() })],
    ['an automatic mock', automaticMock],
  ])('the manager of a query runner follows that, %s', async (_what, mock) => {
    const end = (): jest.Mock<() => Promise<void>> => jest.fn(() => Promise.resolve());
    const make = (): unknown => ({
      manager: mock(),
      startTransaction: end(),
      commitTransaction: end(),
      rollbackTransaction: end(),
    });
    const dataSource = { createQueryRunner: jest.fn(make) } as unknown as DataSource;
    const river = await start({ dataSource });
    const begin = async (order: number): Promise<QueryRunner> => {
      const queryRunner = dataSource.createQueryRunner();
      await queryRunner.startTransaction();
      await river.insertTx(queryRunner.manager, new SendReceipt(order));
      await requireInserted(queryRunner.manager, SendReceipt, { args: { order } });
      return queryRunner;
    };
    const first = await begin(1);
    expect(fake.river.inserted).toEqual([]);
    await first.rollbackTransaction();
    expect(fake.river.inserted).toEqual([]);
    await (await begin(2)).commitTransaction();
    expect(fake.river.insertedOf(SendReceipt)).toMatchObject([{ args: { order: 2 } }]);
    const { createQueryRunner } = dataSource as unknown as { createQueryRunner: jest.Mock };
    expect(createQueryRunner).toHaveBeenCalledTimes(2);
  });
});

describe('requireInserted', () => {
  test('rejects a mock that no client has been given, and says what to pass', async () => {
    await start();
    for (const mock of [automaticMock(), { save: jest.fn() }, {}, undefined]) {
      const reading = requireNotInserted(mock as EntityManager, SendReceipt);
      await expect(reading).rejects.toThrow(/a mock.*Pass the client/s);
    }
  });

  test.each([
    ['returns nothing', { jobList: jest.fn() }],
    ['is automatic', automaticMock()],
  ])('rejects a mock of a client that %s', async (_what, mock) => {
    await start();
    const reading = requireNotInserted(mock as RiverClient, SendReceipt);
    await expect(reading).rejects.toThrow(/client is a mock.*createFakeRiver/s);
  });
});
