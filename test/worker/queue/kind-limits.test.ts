import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { plantJobs } from '../../administration/planted-jobs.js';
import { KindLimits } from '../../../lib/worker/queue/kind-limits.js';
import { Gate, handler, OpenedQueues, type QueuesOptions } from './opened-queue.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => queryAll(database, 'truncate river_job'));

let queues: OpenedQueues;
afterEach(() => queues.close());

async function open(options: QueuesOptions): Promise<OpenedQueues> {
  return (queues = await OpenedQueues.open(database, options));
}

const plant = (kind: string, count: number, columns = {}): Promise<string[]> =>
  plantJobs(
    database,
    Array.from({ length: count }, () => ({ kind, ...columns })),
  );

/** Notes which kinds are worked, and how many at once. */
class Tally {
  readonly started: string[] = [];
  most = 0;
  #running = 0;

  readonly work = async ({ kind }: { kind: string }): Promise<void> => {
    this.started.push(kind);
    this.most = Math.max(this.most, ++this.#running);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    this.#running--;
  };
}

test('a kind of two queues stays within its limit in both together', async () => {
  const tally = new Tally();
  await open({ handlers: [handler('limited', tally.work, { maxConcurrent: 1 })] });
  await plant('limited', 10, { queue: 'one' });
  await plant('limited', 10, { queue: 'two' });
  await Promise.all([queues.make('one').start(), queues.make('two').start()]);
  await queues.whenEnded(20);
  expect(tally.most).toBe(1);
});

test('jobs of a limited kind do not keep more urgent ones waiting', async () => {
  const tally = new Tally();
  await open({
    handlers: [
      handler('limited', tally.work, { maxConcurrent: 2 }),
      handler('urgent', tally.work),
      handler('seldom', tally.work),
    ],
  });
  await plant('limited', 4, { priority: 2 });
  await plant('seldom', 1, { priority: 3 });
  await plant('urgent', 4, { priority: 1 });
  await queues.make('default', { maxWorkers: 1 }).start();
  await queues.whenEnded(9);
  expect(tally.started).toEqual([
    ...Array.from({ length: 4 }, () => 'urgent'),
    ...Array.from({ length: 4 }, () => 'limited'),
    'seldom',
  ]);
});

test('slots that a kind may not have go to others', async () => {
  const tally = new Tally();
  await open({
    handlers: [handler('limited', tally.work, { maxConcurrent: 2 }), handler('free', tally.work)],
  });
  await plant('limited', 20, { priority: 1 });
  await plant('free', 3, { priority: 2 });
  await queues.make('default', { maxWorkers: 5 }).start();
  await queues.whenEnded(23);
  expect(tally.started.slice(0, 5).sort()).toEqual(['free', 'free', 'free', 'limited', 'limited']);
});

test('kinds with a limit are worked within it where all kinds are claimed', async () => {
  const tally = new Tally();
  await open({
    handlers: [handler('limited', tally.work, { maxConcurrent: 1 })],
    onlyKnownKinds: false,
  });
  await plant('limited', 3);
  await plant('unknown', 3);
  await queues.make('default').start();
  await queues.whenEnded(6);
  expect(tally.most).toBe(1);
  const rows = await queryAll(
    database,
    `select kind, attempt, errors[1] ->> 'error' as error from river_job order by id`,
  );
  expect(rows.map(({ error }) => error as unknown)).toEqual([
    ...Array.from({ length: 3 }, () => null),
    ...Array.from(
      { length: 3 },
      () => "job kind is not registered in the client's Workers bundle: unknown",
    ),
  ]);
});

test.each([
  ['alone', []],
  ['beside others', [handler('free', () => undefined)]],
  ['beside one with room', [handler('idle', () => undefined, { maxConcurrent: 5 })]],
])('a kind of two queues at its limit, %s, is not claimed again and again', async (_, others) => {
  const started = new Gate();
  const held = new Gate();
  const work = async (): Promise<void> => {
    started.open();
    await held.passed;
  };
  await open({ handlers: [handler('limited', work, { maxConcurrent: 1 }), ...others] });
  const claims = jest.spyOn(KindLimits.prototype, 'take');
  await plant('limited', 2);
  await Promise.all([queues.make('default').start(), queues.make('other').start()]);
  await started.passed;
  // Long enough for many claims.
  for (let times = 0; times < 20; times++) await queryAll(database, 'select 1');
  const count = claims.mock.calls.length;
  claims.mockRestore();
  held.open();
  await queues.whenEnded(2);
  expect(count).toBeLessThanOrEqual(4);
});
