import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { JobArgs, type RiverClient } from 'nestjs-river';
import {
  holdTransaction,
  JobRequirementError,
  requireInserted,
  requireManyInserted,
  requireNotInserted,
  type HeldTransaction,
} from 'nestjs-river/testing';
import { startClient, type StartedClient } from '../client/started-client.js';

@JobArgs('sort')
class SortArgs {
  constructor(
    readonly strings: string[],
    readonly options: { limit?: number; locale?: string } = {},
  ) {}
}

@JobArgs('send_receipt')
class SendReceipt {
  constructor(readonly order: number) {}
}

let started: StartedClient;
let river: RiverClient;
let held: HeldTransaction;
beforeAll(async () => {
  started = await startClient();
  river = started.river;
});
afterAll(() => started.stop());
beforeEach(async () => {
  held = await holdTransaction(started.dataSource);
});
afterEach(() => held.rollback());

/** The message of the requirement that does not hold. */
async function message(requirement: Promise<unknown>): Promise<string> {
  const error: unknown = await requirement.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(JobRequirementError);
  return (error as JobRequirementError).message.replaceAll(/id \d+/g, 'id N');
}

describe('requireInserted', () => {
  test('returns the job of the kind, seen by the client, the manager and the query runner', async () => {
    const { job } = await river.insert(new SortArgs(['whale']));
    for (const source of [river, held.manager, held.queryRunner]) {
      const found = await requireInserted(source, SortArgs);
      expect(found.id).toBe(job.id);
      expect(found.args.strings).toEqual(['whale']);
    }
    await expect(requireInserted(river, 'sort')).resolves.toMatchObject({ id: job.id });
  });

  test('compares the properties that are given, and those of the args in part', async () => {
    const scheduledAt = new Date('2030-01-01T00:00:00Z');
    const args = new SortArgs(['whale', 'bear'], { limit: 3, locale: 'fi' });
    const opts = { maxAttempts: 4, metadata: { a: { b: 1, c: 2 } }, priority: 3, queue: 'slow' };
    await river.insert(args, { ...opts, scheduledAt, tags: ['one', 'two'] });
    await requireInserted(river, SortArgs, {
      ...opts,
      args: { options: { limit: 3 } },
      metadata: { a: { b: 1 } },
      scheduledAt,
      state: 'scheduled',
      tags: ['one', 'two'],
    });
    await requireInserted(river, SortArgs, { args });
    await requireInserted(river, SortArgs, {
      args: { strings: expect.arrayContaining(['bear']) as unknown as string[] },
    });
  });

  test('shows each property that differs, and the job', async () => {
    await river.insert(new SortArgs(['whale'], { limit: 3 }), { tags: ['one'] });
    const expected = {
      args: { options: { limit: 4 }, strings: ['tiger'] },
      priority: 2,
      queue: expect.stringMatching(/^s/) as unknown as string,
      scheduledAt: new Date(0),
    };
    expect(await message(requireInserted(river, SortArgs, expected))).toMatch(
      /^The job of kind "sort" is not as expected:\n {2}args\.options\.limit: expected 4, got 3\n {2}args\.strings\.0: expected 'tiger', got 'whale'\n {2}priority: expected 2, got 1\n {2}queue: expected StringMatching<\/\^s\/>, got 'default'\n {2}scheduledAt: expected 1970-01-01T00:00:00.000Z, got 2\S+Z\n\nIt is:\n {2}sort \{.*"whale".*\} \(id N, queue default, priority 1, available, tags one\)$/,
    );
  });

  test('shows what was inserted instead', async () => {
    await river.insert(new SendReceipt(7));
    expect(await message(requireInserted(river, SortArgs))).toBe(
      'No job of kind "sort" was inserted.\n\nJobs of other kinds that are there:\n' +
        '  send_receipt {"order": 7} (id N, queue default, priority 1, available)',
    );
    await held.manager.query('delete from river_job');
    expect(await message(requireInserted(river, SortArgs))).toBe(
      'No job of kind "sort" was inserted.\n\nJobs of other kinds that are there: none.',
    );
  });

  test('of several jobs requires that exactly one is as expected', async () => {
    await river.insertMany([new SendReceipt(7), new SendReceipt(8)]);
    const job = await requireInserted(river, SendReceipt, { args: { order: 8 } });
    expect(job.args.order).toBe(8);
    expect(await message(requireInserted(river, SendReceipt))).toContain(
      '2 jobs of kind "send_receipt" were inserted, and one was expected.',
    );
    expect(await message(requireInserted(river, SendReceipt, { args: { order: 9 } }))).toContain(
      'None of the 2 jobs of kind "send_receipt" is as expected:\n  id N\n    args.order: expected 9, got 7\n',
    );
  });

  test('rejects what cannot be compared, and classes without a kind', async () => {
    const wrong = { prio: 3 } as { priority?: number };
    await expect(requireInserted(river, SortArgs, wrong)).rejects.toThrow(/^prio: cannot be/);
    await expect(requireInserted(river, Date)).rejects.toThrow('decorated with @JobArgs');
    const nothing = {} as RiverClient;
    await expect(requireInserted(nothing, SortArgs)).rejects.toThrow('by a RiverClient, or');
  });
});

describe('requireManyInserted', () => {
  test('returns the jobs of the kinds named, in the order in which they were inserted', async () => {
    await river.insertMany([new SendReceipt(1), new SortArgs([]), new SendReceipt(2)]);
    const jobs = await requireManyInserted(river, [
      SendReceipt,
      SortArgs,
      [SendReceipt, { args: { order: 2 } }],
    ]);
    expect(jobs.map(({ kind }) => kind)).toEqual(['send_receipt', 'sort', 'send_receipt']);
    await requireManyInserted(held.queryRunner, ['sort']);
  });

  test('shows the jobs where their kinds, their order or their properties are others', async () => {
    await river.insertMany([new SendReceipt(1), new SortArgs([])]);
    expect(await message(requireManyInserted(river, [SortArgs, SendReceipt]))).toMatch(
      /^Jobs of the kinds sort, send_receipt were expected, in this order \(2 expected, 2 inserted\)\.\n\nInserted of these kinds:\n {2}send_receipt .*\n {2}sort /,
    );
    const wrong = requireManyInserted(river, [SendReceipt, [SortArgs, { priority: 3 }]]);
    expect(await message(wrong)).toMatch(
      /^The jobs are not as expected:\n {2}at index 1 \(sort\)\n {4}priority: expected 3, got 1\n\n/,
    );
    await expect(requireManyInserted(river, [])).rejects.toThrow('a list of at least one job');
  });
});

describe('requireNotInserted', () => {
  test('holds while no job of the kind, or none that is so, is inserted', async () => {
    await requireNotInserted(river, SendReceipt);
    await river.insert(new SendReceipt(1));
    await requireNotInserted(river, SortArgs);
    await requireNotInserted(held.manager, SendReceipt, { args: { order: 2 } });
    expect(await message(requireNotInserted(river, SendReceipt))).toMatch(
      /^A job of kind "send_receipt" was inserted, and none was expected\.\n\nInserted:\n {2}send_receipt \{/,
    );
    const args = { order: 1 };
    expect(await message(requireNotInserted(river, SendReceipt, { args }))).toContain(
      'A job of kind "send_receipt" was inserted with the args given, and none was expected.',
    );
  });
});

test('in the transaction that is still open the job is found, and outside it is not', async () => {
  await held.rollback();
  const queryRunner = started.dataSource.createQueryRunner();
  await queryRunner.startTransaction();
  await river.insertTx(queryRunner, new SendReceipt(1));
  await requireInserted(queryRunner, SendReceipt);
  await requireNotInserted(river, SendReceipt);
  await requireNotInserted(started.dataSource.manager, SendReceipt);
  await queryRunner.rollbackTransaction();
  await queryRunner.release();
  await started.transaction.run(async (manager) => {
    await river.insert(new SendReceipt(1));
    await requireInserted(river, SendReceipt);
    await requireInserted(manager, SendReceipt);
    await manager.query('delete from river_job');
  });
});

test('more jobs than a page are all found', async () => {
  const jobs = Array.from({ length: 10_001 }, (_, order) => new SendReceipt(order));
  await river.insertMany(jobs);
  await requireInserted(river, SendReceipt, { args: { order: 10_000 } });
});
