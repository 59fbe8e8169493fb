import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RiverClient, RiverTransaction } from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import type { StartedClient } from '../client/started-client.js';
import {
  forget,
  inUse,
  NOT_IN_USE,
  NOTHING,
  OrderEntity,
  SendReceipt,
  startShop,
  stored,
} from './orders.js';

/** A pool of one shows at once whether a connection came back. */
let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
beforeAll(async () => {
  shop = await startShop({ max: 1, extra: { connectionTimeoutMillis: 2_000 } });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  expect(inUse(shop.dataSource)).toEqual(NOT_IN_USE);
  await transaction.run(() => river.insert(new SendReceipt('after it all')));
  await forget(shop.database);
});
afterAll(() => shop.stop());

/** Ends the backend of the running transaction, from outside. */
async function terminate(): Promise<void> {
  const [backend] = await transaction.manager.query<{ pid: number }[]>(
    'select pg_backend_pid() as pid',
  );
  await queryAll(shop.database, 'select pg_terminate_backend($1, 5000)', [backend?.pid]);
}

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

describe('a backend that is ended', () => {
  test('between two statements fails the transaction, and nothing is stored', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.save(OrderEntity, { item: 'book' });
      await river.insert(new SendReceipt('book'));
      await terminate();
      await river.insert(new SendReceipt('another'));
    });
    expect(await failure(attempt)).toMatchObject({ name: 'DatabaseError', retryable: true });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('before the COMMIT fails the transaction, and nothing is stored', async () => {
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('book'));
      await terminate();
    });
    expect(await failure(attempt)).toBeInstanceOf(Error);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('before the ROLLBACK leaves the error of the work as it is', async () => {
    const thrown = new Error('of the work');
    const attempt = transaction.run(async () => {
      await river.insert(new SendReceipt('book'));
      await terminate();
      throw thrown;
    });
    expect(await failure(attempt)).toBe(thrown);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('whose error was swallowed fails the transaction nevertheless', async () => {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('book'));
      await terminate();
      await manager.query('select 1').catch(() => undefined);
    });
    expect(await failure(attempt)).toBeInstanceOf(Error);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('again and again never exhausts the pool', async () => {
    for (let round = 0; round < 10; round++) {
      await failure(transaction.run(() => terminate()));
    }
    expect(await shop.dataSource.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('while others wait for the connection does not fail them', async () => {
    const broken = failure(
      transaction.run(async () => {
        await river.insert(new SendReceipt('broken'));
        await terminate();
        await river.insert(new SendReceipt('broken'));
      }),
    );
    const others = [1, 2, 3].map((n) =>
      transaction.run(() => river.insert(new SendReceipt(`${n}`))),
    );
    expect(await broken).toBeInstanceOf(Error);
    await Promise.all(others);
    expect(await stored(shop.database)).toMatchObject({ jobs: 3 });
  });

  test('in the middle of a statement fails it, and nothing is stored', async () => {
    const holder = await connect(shop.database);
    try {
      await holder.query('begin; lock table river_job');
      const attempt = failure(transaction.run(() => river.insert(new SendReceipt('book'))));
      const waiting = `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      while ((await queryAll(shop.database, waiting)).length === 0);
      expect(await attempt).toMatchObject({ name: 'DatabaseError', retryable: true });
    } finally {
      await holder.end();
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });
});

test('a connection whose ROLLBACK a subscriber refused is closed, not given to the next one', async () => {
  const { subscribers } = shop.dataSource;
  const subscriber = {
    beforeTransactionRollback: () => {
      throw new Error('refused');
    },
  };
  subscribers.push(subscriber);
  const thrown = new Error('of the work');
  let pid: unknown;
  try {
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('book'));
      pid = await manager.query('select pg_backend_pid()');
      throw thrown;
    });
    expect(await failure(attempt)).toBe(thrown);
  } finally {
    subscribers.splice(subscribers.indexOf(subscriber), 1);
  }
  expect(await shop.dataSource.query('select pg_backend_pid()')).not.toEqual(pid);
  expect(await stored(shop.database)).toEqual(NOTHING);
});

describe('a transaction that cannot begin', () => {
  test('because a subscriber refused it gives the connection back', async () => {
    const { subscribers } = shop.dataSource;
    for (const moment of ['beforeTransactionStart', 'afterTransactionStart'] as const) {
      subscribers.push({
        [moment]: () => {
          throw new Error(`refused by ${moment}`);
        },
      });
      try {
        for (let round = 0; round < 3; round++) {
          const attempt = transaction.run(() => river.insert(new SendReceipt('book')));
          await expect(attempt).rejects.toThrow(`refused by ${moment}`);
        }
      } finally {
        subscribers.pop();
      }
    }
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('because a subscriber rejected with null rejects with it, and gives the connection back', async () => {
    const { subscribers } = shop.dataSource;
    const nothing: unknown = null;
    subscribers.push({ beforeTransactionStart: () => Promise.reject(nothing) });
    try {
      for (let round = 0; round < 3; round++)
        await expect(transaction.run(() => undefined)).rejects.toBeNull();
    } finally {
      subscribers.pop();
    }
    await transaction.run(() => river.insert(new SendReceipt('book')));
  });

  test('because the pool is exhausted says so, and is worth another try', async () => {
    const { queryRunner } = await hold();
    try {
      const attempt = transaction.run(() => river.insert(new SendReceipt('book')));
      await expect(attempt).rejects.toMatchObject({ name: 'DatabaseError', retryable: true });
      await expect(river.insert(new SendReceipt('book'))).rejects.toMatchObject({
        name: 'DatabaseError',
        retryable: true,
      });
    } finally {
      await queryRunner.release();
    }
  });

  async function hold() {
    const queryRunner = shop.dataSource.createQueryRunner();
    await queryRunner.connect();
    return { queryRunner };
  }
});

describe('the connection', () => {
  test.each(['commit', 'rollback', 'a failing COMMIT', 'a swallowed error'])(
    'is the same one again after %s',
    async (end) => {
      const pid = async (): Promise<number | undefined> => {
        const [row] = await shop.dataSource.query<{ pid: number }[]>(
          'select pg_backend_pid() as pid',
        );
        return row?.pid;
      };
      const before = await pid();
      const attempt = transaction.run(async (manager) => {
        await river.insert(new SendReceipt('book'));
        if (end === 'rollback') throw new Error(end);
        if (end === 'a failing COMMIT') {
          await manager.query(`insert into orders (item, deferred) values ('a', 1), ('b', 1)`);
        }
        if (end === 'a swallowed error') await manager.query('select 1/0').catch(() => undefined);
      });
      await failure(attempt);
      expect(await pid()).toBe(before);
    },
  );
});
