import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RiverClient, RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
const told: unknown[] = [];
let onHookError: (error: unknown) => void = (error) => told.push(error);
const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
beforeAll(async () => {
  shop = await startShop({ max: 4, river: { onHookError: (error) => onHookError(error) } });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  told.length = 0;
  logged.mockClear();
  onHookError = (error) => told.push(error);
  await forget(shop.database);
});
afterAll(async () => {
  logged.mockRestore();
  await shop.stop();
});

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

/** Two transactions that meet: neither goes on before both have come. */
function meeting(): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const both = new Promise<void>((resolve) => (open = resolve));
  return async () => {
    if (++arrived >= 2) open();
    await both;
  };
}

interface Pair {
  readonly runs: number[];
  readonly hooks: string[];
  readonly results: PromiseSettledResult<unknown>[];
}

/** Two transactions of which the server must end one: by a deadlock, or by serializability. */
async function collide(kind: '40P01' | '40001', retries: number): Promise<Pair> {
  await shop.dataSource.query(`insert into orders (item) values ('x'), ('y')`);
  const [runs, hooks, meet] = [[0, 0], [] as string[], meeting()];
  const one = (index: 0 | 1) =>
    transaction.run(
      { retries, ...(kind === '40001' && { isolation: 'SERIALIZABLE' as const }) },
      async (manager) => {
        const attempt = (runs[index] = (runs[index] ?? 0) + 1);
        transaction.afterCommit(() => hooks.push(`${index} committed in ${attempt}`));
        const [mine, its] = index === 0 ? ['x', 'y'] : ['y', 'x'];
        const touch = `update orders set item = item where item = $1`;
        if (kind === '40P01') {
          await manager.query(touch, [mine]);
          await meet();
          await manager.query(touch, [its]);
        } else {
          await manager.query('select count(*) from river_job');
          await meet();
        }
        await river.insert(new SendReceipt(`${index}`));
      },
    );
  const results = await Promise.allSettled([one(0), one(1)]);
  return { runs, hooks, results };
}

describe.each(['40P01', '40001'] as const)('a failure of %s', (kind) => {
  test('is tried again in a new transaction, and hooks run for the attempt that committed', async () => {
    const { runs, hooks, results } = await collide(kind, 5);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect((runs[0] ?? 0) + (runs[1] ?? 0)).toBeGreaterThan(2);
    expect(hooks.sort()).toEqual(runs.map((run, index) => `${index} committed in ${run}`));
    expect(await stored(shop.database)).toMatchObject({ jobs: 2 });
  });

  test('is passed on without retries, which is the default', async () => {
    const { runs, results } = await collide(kind, 0);
    expect(runs).toEqual([1, 1]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('retries', () => {
  const raise = (code: string) => `do $$ begin raise 'no' using errcode = '${code}'; end $$`;

  test('are as many as asked for, then the last error is passed on', async () => {
    let runs = 0;
    const attempt = transaction.run({ retries: 3 }, async (manager) => {
      runs++;
      await manager.query(raise('40001'));
    });
    expect(await failure(attempt)).toMatchObject({ driverError: { code: '40001' } });
    expect(runs).toBe(4);
  });

  test.each(['23505', '57014', '55P03'])('do not follow %s', async (code) => {
    let runs = 0;
    const attempt = transaction.run({ retries: 3 }, async (manager) => {
      runs++;
      await manager.query(raise(code));
    });
    expect(await failure(attempt)).toMatchObject({ driverError: { code } });
    expect(runs).toBe(1);
  });

  test('are of the outermost transaction only', async () => {
    const runs = { outer: 0, joined: 0, nested: 0 };
    await transaction.run({ retries: 1 }, () => {
      runs.outer++;
      return transaction.run({ retries: 5 }, () => {
        runs.joined++;
        return transaction.run({ retries: 5, propagation: 'NESTED' }, async (manager) => {
          runs.nested++;
          await river.insert(new SendReceipt('book'));
          if (runs.outer === 1) await manager.query(raise('40001'));
        });
      });
    });
    expect(runs).toEqual({ outer: 2, joined: 2, nested: 2 });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('follow a swallowed one, too, which fails at COMMIT', async () => {
    let runs = 0;
    await transaction.run({ retries: 1 }, async (manager) => {
      await river.insert(new SendReceipt('book'));
      if (++runs === 1) await manager.query(raise('40001')).catch(() => undefined);
    });
    expect(runs).toBe(2);
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('hooks', () => {
  test('run after the fact, in order, each awaited, outside of the transaction', async () => {
    const ran: unknown[] = [];
    await transaction.run(async () => {
      await river.insert(new SendReceipt('book'));
      transaction.afterRollback(() => ran.push('rollback'));
      transaction.afterCommit(async () => {
        const { jobs } = await stored(shop.database);
        ran.push([jobs, transaction.isActive]);
        await new Promise((resolve) => setTimeout(resolve, 20));
        ran.push('first');
      });
      transaction.afterCommit(() => ran.push('second'));
    });
    expect(ran).toEqual([[1, false], 'first', 'second']);
  });

  test('of a rollback run when it is rolled back, and only then', async () => {
    const ran: unknown[] = [];
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('book'));
      transaction.afterCommit(() => ran.push('commit'));
      transaction.afterRollback(async () => ran.push(await stored(shop.database)));
      throw new Error('no');
    });
    expect(await failure(attempt)).toMatchObject({ message: 'no' });
    expect(ran).toEqual([NOTHING]);
  });

  test.each(['commit', 'rollback'])('that fail change nothing after %s', async (end) => {
    const [first, second] = [new Error('first'), new Error('second')];
    const thrown = new Error('of the work');
    for (const badReporter of [false, true]) {
      told.length = 0;
      if (badReporter) {
        onHookError = (error) => {
          told.push(error);
          throw new Error('of onHookError');
        };
      }
      const attempt = transaction.run(async () => {
        for (const on of ['afterCommit', 'afterRollback'] as const) {
          transaction[on](() => {
            throw first;
          });
          transaction[on](() => Promise.reject(second));
        }
        if (end === 'rollback') throw thrown;
        return 'told';
      });
      expect(await failure(attempt)).toBe(end === 'rollback' ? thrown : 'resolved');
      expect(told).toEqual([first, second]);
      expect(logged).toHaveBeenCalled();
    }
  });

  test('of a savepoint follow what becomes of it and of the transaction', async () => {
    for (const [inner, outer, expected] of [
      ['commit', 'commit', ['inner commit', 'outer commit']],
      ['commit', 'rollback', ['inner rollback', 'outer rollback']],
      ['rollback', 'commit', ['inner rollback', 'outer commit']],
      ['rollback', 'rollback', ['inner rollback', 'outer rollback']],
    ] as const) {
      const ran: string[] = [];
      const note = (who: string): void => {
        transaction.afterCommit(() => ran.push(`${who} commit`));
        transaction.afterRollback(() => ran.push(`${who} rollback`));
      };
      const attempt = transaction.run(async (manager) => {
        const nested = transaction.run({ propagation: 'NESTED' }, async () => {
          note('inner');
          await manager.insert(OrderEntity, { item: 'inner' });
          expect(ran).toEqual([]);
          if (inner === 'rollback') throw new Error('inner');
        });
        await failure(nested);
        expect(ran).toEqual([]);
        note('outer');
        if (outer === 'rollback') throw new Error('outer');
      });
      await failure(attempt);
      expect([inner, outer, ran]).toEqual([inner, outer, expected]);
      await forget(shop.database);
    }
  });
});
