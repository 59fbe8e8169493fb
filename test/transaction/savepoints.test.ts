import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager, Repository } from 'typeorm';
import {
  JobArgs,
  TransactionEndedError,
  TransactionScopeBusyError,
  TransactionUnfinishedError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { deadlock } from '../../lib/transaction/statements/unless-busy.js';
import type { StartedClient } from '../client/started-client.js';
import {
  forget,
  NOTHING,
  OrderEntity,
  SendReceipt,
  startShop,
  stored,
  type Order,
} from './orders.js';

@JobArgs('once', { uniqueOpts: { byArgs: true } })
class Once {
  constructor(readonly item: string) {}
}

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
let repo: Repository<Order>;
beforeAll(async () => {
  shop = await startShop();
  ({ transaction, river } = shop);
  repo = shop.dataSource.getRepository(OrderEntity);
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

const pause = (ms = 20) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const NESTED = { propagation: 'NESTED' } as const;
const nested = <T>(work: (manager: EntityManager) => Promise<T> | T) =>
  transaction.run(NESTED, work);
const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

/** Each way to a savepoint. */
const ways: Record<string, <T>(work: () => Promise<T>) => Promise<T>> = {
  "run({ propagation: 'NESTED' })": (work) => nested(work),
  'manager.transaction': (work) => transaction.manager.transaction(work),
  'dataSource.transaction': (work) => shop.dataSource.transaction(work),
  'repository.manager.transaction': (work) => repo.manager.transaction(work),
};

describe.each(Object.entries(ways))('%s', (_way, inSavepoint) => {
  test('that fails takes its orders and jobs with it, and nothing else', async () => {
    const thrown = new Error('the very one');
    await transaction.run(async () => {
      await repo.insert({ item: 'before' });
      const attempt = inSavepoint(async () => {
        await repo.insert({ item: 'inside' });
        await river.insert(new SendReceipt('inside'));
        await river.insertMany([new SendReceipt('inside'), new SendReceipt('inside')]);
        throw thrown;
      });
      expect(await failure(attempt)).toBe(thrown);
      await river.insert(new SendReceipt('after'));
    });
    expect(await stored(shop.database)).toEqual({ orders: ['before'], jobs: 1 });
  });

  test('that succeeds is part of the transaction, whichever way that ends', async () => {
    for (const end of ['rollback', 'commit']) {
      const attempt = transaction.run(async () => {
        await inSavepoint(async () => {
          await repo.insert({ item: 'inside' });
          await river.insert(new SendReceipt('inside'));
        });
        expect(await stored(shop.database)).toEqual(NOTHING);
        if (end === 'rollback') throw new Error(end);
      });
      expect(await failure(attempt.then(() => 'resolved'))).toEqual(
        end === 'rollback' ? new Error(end) : 'resolved',
      );
    }
    expect(await stored(shop.database)).toEqual({ orders: ['inside'], jobs: 1 });
  });

  test('side by side: nobody is told OK whose row is gone', async () => {
    for (let round = 0; round < 20; round++) {
      const told = await transaction.run(async () => {
        const add = async (item: string, wait: number): Promise<string> => {
          await repo.insert({ item });
          await pause(wait);
          await river.insert(new SendReceipt(item));
          return item;
        };
        const results = await Promise.allSettled([
          inSavepoint(async () => {
            await add('fails', round % 3);
            throw new Error('fails');
          }),
          inSavepoint(() => add('nested', (round + 1) % 3)),
          repo.insert({ item: 'plain' }).then(() => river.insert(new SendReceipt('plain'))),
          inSavepoint(() => repo.query('select 1/0')),
          add('last', round % 2),
        ]);
        return results.map(({ status }) => status);
      });
      const [ok, no] = ['fulfilled', 'rejected'];
      expect(told).toEqual([no, ok, ok, no, ok]);
      const { orders, jobs } = await stored(shop.database);
      expect({ orders: orders.sort(), jobs }).toEqual({
        orders: ['last', 'nested', 'plain'],
        jobs: 3,
      });
      await forget(shop.database);
    }
  });

  test('owns the connection: statements and savepoints from outside wait', async () => {
    const order: string[] = [];
    await transaction.run(async () => {
      await Promise.all([
        inSavepoint(async () => {
          order.push('first begins');
          await repo.query('select 1');
          await pause();
          await repo.query('select 1');
          order.push('first ends');
        }),
        inSavepoint(async () => void order.push('second')),
        repo.query('select 1').then(() => order.push('statement')),
        river.insert(new SendReceipt('insert')).then(() => order.push('insert')),
      ]);
    });
    expect(order).toEqual(['first begins', 'first ends', 'second', 'statement', 'insert']);
  });

  test('deep within another', async () => {
    await transaction.run(async () => {
      await inSavepoint(async () => {
        await repo.insert({ item: 'one' });
        const two = inSavepoint(async () => {
          await repo.insert({ item: 'two' });
          await inSavepoint(async () => {
            await repo.insert({ item: 'three' });
            await river.insert(new SendReceipt('three'));
          });
          throw new Error('two');
        });
        expect(await failure(two)).toMatchObject({ message: 'two' });
        await river.insert(new SendReceipt('one'));
      });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['one'], jobs: 1 });
  });

  test('fails when an insert in it failed that nobody awaited; the rest goes on', async () => {
    await transaction.run(async () => {
      const attempt = inSavepoint(async () => {
        await repo.insert({ item: 'inside' });
        void river.insert(new SendReceipt('bad'), { priority: 9 });
      });
      expect(await failure(attempt)).toMatchObject({ name: 'InvalidJobError', field: 'priority' });
      await repo.insert({ item: 'outside' });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['outside'], jobs: 0 });
  });

  test('fails when an error of the database was swallowed in it; the rest goes on', async () => {
    await transaction.run(async () => {
      const attempt = inSavepoint(async () => {
        await repo.insert({ item: 'inside' });
        await repo.query('select 1/0').catch(() => undefined);
      });
      expect(await failure(attempt)).toMatchObject({
        name: 'TransactionRolledBackError',
        cause: { driverError: { code: '22012' } },
      });
      await repo.insert({ item: 'outside' });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['outside'], jobs: 0 });
  });

  test('refuses what outlives it', async () => {
    let late: Promise<unknown> = Promise.resolve();
    await transaction.run(async () => {
      await inSavepoint(async () => {
        late = failure(pause().then(() => river.insert(new SendReceipt('late'))));
      });
      expect(await late).toBeInstanceOf(TransactionEndedError);
      await repo.insert({ item: 'outside' });
    });
    expect(await stored(shop.database)).toEqual({ orders: ['outside'], jobs: 0 });
  });
});

describe('waiting for what would have to wait', () => {
  /** Side by side, as each takes as long as it takes to be sure. */
  const cases: Record<string, () => Promise<unknown>> = {
    'a statement asked for before': () =>
      transaction.run(async () => {
        let ask: () => void = () => undefined;
        const outer = new Promise<void>((resolve) => (ask = resolve)).then(() =>
          repo.query('select 1'),
        );
        await nested(async () => {
          await repo.query('select 1');
          ask();
          await outer;
        });
      }),
    'a statement asked for in the same turn': () =>
      transaction.run(async () => {
        let outer: Promise<unknown> = Promise.resolve();
        const inner = nested(async () => void (await outer));
        outer = repo.query('select 1');
        await inner;
      }),
    'an insert': () =>
      transaction.run(async () => {
        let outer: Promise<unknown> = Promise.resolve();
        const inner = nested(async () => void (await outer));
        outer = river.insert(new SendReceipt('outer'));
        await inner;
      }),
    'a sibling': () =>
      transaction.run(async () => {
        let sibling: Promise<unknown> = Promise.resolve();
        const inner = nested(async () => void (await sibling));
        sibling = nested(() => repo.query('select 1'));
        await inner;
      }),
    'a sibling of the scope around': () =>
      transaction.run(async () => {
        let sibling: Promise<unknown> = Promise.resolve();
        const inner = nested(() => nested(() => nested(async () => void (await sibling))));
        sibling = repo.query('select 1');
        await inner;
      }),
    'a statement, with its error swallowed': () =>
      transaction.run(async () => {
        let outer: Promise<unknown> = Promise.resolve();
        const inner = nested(async () => {
          const error = await failure(outer);
          await repo.insert({ item: 'survived' });
          return error;
        });
        outer = repo.query('select 1');
        throw (await inner) as Error;
      }),
  };
  let outcomes: Map<string, Promise<unknown>>;
  const { limitMs } = deadlock;
  beforeAll(() => void (deadlock.limitMs = 500));
  afterAll(() => void (deadlock.limitMs = limitMs));

  test('is refused in time, and rolls back', async () => {
    outcomes = new Map(Object.entries(cases).map(([name, run]) => [name, failure(run())]));
    for (const [name, outcome] of outcomes) {
      expect([name, await outcome]).toEqual([name, expect.any(TransactionScopeBusyError)]);
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
    const all = Array.from({ length: 10 }, () => shop.dataSource.query('select 1'));
    await Promise.all(all);
  });

  test('is not suspected of a savepoint whose statement takes its time', async () => {
    const holder = await connect(shop.database);
    try {
      await holder.query('begin; lock table orders');
      const both = transaction.run(() =>
        Promise.all([nested(() => repo.insert({ item: 'slow' })), repo.insert({ item: 'waits' })]),
      );
      await pause(deadlock.limitMs * 2);
      await holder.query('commit');
      await both;
    } finally {
      await holder.end();
    }
    expect(await stored(shop.database)).toEqual({ orders: ['slow', 'waits'], jobs: 0 });
  });
});

describe('work of a savepoint that does not end', () => {
  const forever = () => new Promise<void>(() => undefined);

  test('does not keep the transaction from rolling back for another reason', async () => {
    const thrown = new Error('another reason');
    const attempt = transaction.run(async () => {
      const inner = nested(async () => {
        await repo.insert({ item: 'inside' });
        await forever();
      });
      await Promise.all([inner, pause().then(() => Promise.reject(thrown))]);
    });
    expect(await failure(attempt)).toBe(thrown);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('and is not awaited is given up at the limit, and named', async () => {
    const attempt = transaction.run({ unawaitedLimitMs: 50 }, () => {
      void nested(async () => {
        await repo.insert({ item: 'inside' });
        await forever();
      });
    });
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(TransactionUnfinishedError);
    expect(error).toMatchObject({
      message: expect.stringContaining('A nested transaction') as unknown,
    });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test.each([
    ['timeoutMs', { timeoutMs: 50 }],
    ['signal', { signal: AbortSignal.timeout(50) }],
  ])('ends with the %s of the transaction', async (_option, options) => {
    const attempt = transaction.run(options, () =>
      nested(async () => {
        await repo.insert({ item: 'inside' });
        await forever();
      }),
    );
    expect(await failure(attempt)).toMatchObject({ name: 'TransactionAbortedError' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('until after the end touches nobody who has the connection next', async () => {
    const single = await startShop({ max: 1 });
    try {
      let goOn: () => void = () => undefined;
      let inner: Promise<unknown> = Promise.resolve();
      const stuck = single.transaction.run(async () => {
        const gate = new Promise<void>((resolve) => (goOn = resolve));
        inner = failure(single.transaction.run(NESTED, () => gate));
        await pause();
        throw new Error('given up');
      });
      expect(await failure(stuck)).toMatchObject({ message: 'given up' });
      await single.transaction.run(async (manager) => {
        await manager.insert(OrderEntity, { item: 'of another' });
        goOn();
        expect(await inner).toBeInstanceOf(Error);
        await single.river.insert(new SendReceipt('of another'));
      });
      expect(await stored(single.database)).toEqual({ orders: ['of another'], jobs: 1 });
    } finally {
      await single.stop();
    }
  });
});

describe('with savepoints rolled back', () => {
  test('a notification is sent for the inserts that are left, and only then', async () => {
    const listener = await connect(shop.database);
    const heard: string[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
    try {
      await listener.query(`listen "public.river_insert"`);
      const queue = (name: string) => ({ queue: name });
      await transaction.run(async () => {
        const attempt = nested(async () => {
          await river.insert(new SendReceipt('gone'), queue('gone'));
          await river.insert(new SendReceipt('gone'), queue('again'));
          throw new Error('no');
        });
        await failure(attempt);
        await river.insert(new SendReceipt('kept'), queue('again'));
        await nested(() => river.insert(new SendReceipt('kept'), queue('nested')));
      });
      await listener.query('select 1');
      expect(heard.map((text) => (JSON.parse(text) as { queue: string }).queue).sort()).toEqual([
        'again',
        'nested',
      ]);
    } finally {
      await listener.end();
    }
  });

  test('a unique job that went with one can be inserted after it', async () => {
    await transaction.run(async () => {
      const attempt = nested(async () => {
        const first = await river.insert(new Once('book'));
        expect(first.uniqueSkippedAsDuplicated).toBe(false);
        const again = await river.insert(new Once('book'));
        expect(again).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
        throw new Error('no');
      });
      await failure(attempt);
      const { uniqueSkippedAsDuplicated } = await river.insert(new Once('book'));
      expect(uniqueSkippedAsDuplicated).toBe(false);
    });
    expect(await queryAll(shop.database, 'select kind from river_job')).toEqual([{ kind: 'once' }]);
  });
});
