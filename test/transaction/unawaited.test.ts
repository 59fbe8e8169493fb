import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EntitySchema, type EntityManager, type Repository } from 'typeorm';
import {
  TransactionEndedError,
  TransactionUnfinishedError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { startClient, type StartedClient } from '../client/started-client.js';
import { forget, NOTHING, OrderEntity, SendReceipt, stored, type Order } from './orders.js';

interface Basket {
  id?: number;
  name: string;
  lines: Line[];
}
interface Line {
  id?: number;
  text: string;
}

/** Saving one with its lines takes several statements, with gaps between them. */
const LineEntity = new EntitySchema<Line & { basket?: Basket }>({
  name: 'line',
  columns: { id: { type: Number, primary: true, generated: true }, text: { type: String } },
  relations: { basket: { type: 'many-to-one', target: 'basket', inverseSide: 'lines' } },
});
const BasketEntity = new EntitySchema<Basket>({
  name: 'basket',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String } },
  relations: {
    lines: { type: 'one-to-many', target: 'line', inverseSide: 'basket', cascade: true },
  },
});

let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
let repo: Repository<Order>;
beforeAll(async () => {
  shop = await startClient({
    dataSource: { entities: [OrderEntity, LineEntity, BasketEntity], max: 2 },
  });
  await queryAll(
    shop.database,
    `create table orders (id serial primary key, item text not null unique);
     create table basket (id serial primary key, name text not null);
     create table line (id serial primary key, text text not null, "basketId" int references basket)`,
  );
  ({ transaction, river } = shop);
  repo = shop.dataSource.getRepository(OrderEntity);
});
afterEach(async () => {
  await queryAll(shop.database, 'delete from line; delete from basket');
  await forget(shop.database);
});
afterAll(() => shop.stop());

const pause = (ms = 20) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const BAD = { priority: 9 };
const refusedByUs = { name: 'InvalidJobError', field: 'priority' };

describe('an insert that fails', () => {
  test('refused by us, and not awaited, fails the transaction', async () => {
    const attempt = transaction.run(async () => {
      await repo.insert({ item: 'book' });
      void river.insert(new SendReceipt('bad'), BAD);
    });
    expect(await failure(attempt)).toMatchObject(refusedByUs);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('refused by the database, and not awaited, fails the transaction', async () => {
    const attempt = transaction.run(async (manager) => {
      await manager.query('alter table river_job add constraint none check (false) not valid');
      void river.insert(new SendReceipt('bad'));
    });
    expect(await failure(attempt)).toMatchObject({ name: 'DatabaseError', sqlState: '23514' });
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('refused by us, awaited and caught, leaves the transaction usable', async () => {
    await transaction.run(async () => {
      await expect(river.insert(new SendReceipt('bad'), BAD)).rejects.toMatchObject(refusedByUs);
      await river.insert(new SendReceipt('bad'), BAD).catch(() => undefined);
      await Promise.allSettled([river.insert(new SendReceipt('bad'), BAD)]);
      await river.insert(new SendReceipt('good'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });

  test('kept first and awaited late is told once, to the one who awaits', async () => {
    await transaction.run(async () => {
      const kept = river.insert(new SendReceipt('bad'), BAD);
      await repo.insert({ item: 'book' });
      await kept.catch(() => undefined);
    });
    expect(await stored(shop.database)).toEqual({ orders: ['book'], jobs: 0 });
  });

  test('is not hidden by another that failed before it and was awaited after it', async () => {
    const attempt = transaction.run(async () => {
      const kept = river.insert(new SendReceipt('bad'), BAD);
      await pause(1);
      void river.insert(new SendReceipt('bad'), { queue: '' });
      await pause(1);
      await kept.catch(() => undefined);
    });
    expect(await failure(attempt)).toMatchObject({ name: 'InvalidJobError', field: 'queue' });
  });
});

describe('a save of several statements that nobody awaited', () => {
  const basket = (): Basket => ({ name: 'mine', lines: [{ text: 'one' }, { text: 'two' }] });
  const count = async (): Promise<unknown> =>
    await queryAll(shop.database, 'select count("basketId")::int as lines from line');

  test.each([
    ['of its manager', (manager: EntityManager) => manager.save(BasketEntity, basket())],
    ['of an injected repository', () => shop.dataSource.getRepository(BasketEntity).save(basket())],
    ['of the data source', () => shop.dataSource.manager.save(BasketEntity, basket())],
  ])('%s is waited for across its gaps', async (_whose, save) => {
    for (let round = 0; round < 10; round++) {
      await transaction.run((manager) => void save(manager));
    }
    expect(await count()).toEqual([{ lines: 20 }]);
  });

  test('is named when it is not done at the limit, and nothing of it is stored', async () => {
    shop.dataSource.subscribers.push({ afterInsert: () => pause(300) });
    try {
      const attempt = transaction.run({ unawaitedLimitMs: 100 }, async (manager) => {
        await river.insert(new SendReceipt('book'));
        void manager.save(BasketEntity, basket());
      });
      const error = await failure(attempt);
      expect(error).toBeInstanceOf(TransactionUnfinishedError);
      expect((error as Error).message).toContain('EntityManager.save');
      await pause(700);
    } finally {
      shop.dataSource.subscribers.pop();
    }
    expect(await count()).toEqual([{ lines: 0 }]);
    expect(await stored(shop.database)).toEqual(NOTHING);
  });

  test('that hangs in a statement is cut, and the next transaction works', async () => {
    const begin = Date.now();
    const attempt = transaction.run({ unawaitedLimitMs: 50 }, (manager) => {
      void manager.query('select pg_sleep(3)');
    });
    expect(await failure(attempt)).toBeInstanceOf(TransactionUnfinishedError);
    expect(Date.now() - begin).toBeLessThan(2_500);
    await transaction.run(() => river.insert(new SendReceipt('next')));
    await pause(2_500);
  });
});

describe('a transaction that the application opened', () => {
  /** Inserts without awaiting, by each way there is. */
  const inserts: [string, (manager: EntityManager, opts?: typeof BAD) => void][] = [
    ['insertTx', (manager, opts) => void river.insertTx(manager, new SendReceipt('a'), opts)],
    [
      'bind',
      (manager, opts) =>
        void (
          manager.queryRunner &&
          transaction.bind(manager.queryRunner, () => void river.insert(new SendReceipt('a'), opts))
        ),
    ],
  ];

  describe.each(inserts)('%s', (_name, insert) => {
    test('COMMIT waits for what nobody awaited', async () => {
      for (let round = 0; round < 10; round++) {
        await shop.dataSource.transaction(async (manager) => {
          await manager.insert(OrderEntity, { item: `${round}` });
          insert(manager);
        });
      }
      expect(await stored(shop.database)).toMatchObject({ jobs: 10 });
    });

    test('COMMIT becomes a ROLLBACK when one failed', async () => {
      const attempt = shop.dataSource.transaction(async (manager) => {
        await manager.insert(OrderEntity, { item: 'book' });
        insert(manager, BAD);
      });
      expect(await failure(attempt)).toMatchObject(refusedByUs);
      expect(await stored(shop.database)).toEqual(NOTHING);
    });

    test('ROLLBACK waits for it, so that it does not run afterwards', async () => {
      const attempt = shop.dataSource.transaction(async (manager) => {
        insert(manager);
        throw new Error('rolled back');
      });
      expect(await failure(attempt)).toMatchObject({ message: 'rolled back' });
      await pause();
      expect(await stored(shop.database)).toEqual(NOTHING);
    });
  });

  test('is guarded also when the data source was closed and opened again', async () => {
    const { dataSource } = shop;
    await dataSource.transaction(async (manager) => {
      await river.insertTx(manager, new SendReceipt('before'));
    });
    dataSource.subscribers.length = 0;
    const attempt = dataSource.transaction(async (manager) => {
      await manager.insert(OrderEntity, { item: 'book' });
      void river.insertTx(manager, new SendReceipt('bad'), BAD);
    });
    expect(await failure(attempt)).toMatchObject(refusedByUs);
    expect(await stored(shop.database)).toMatchObject({ orders: [] });
  });

  test('whose savepoint was rolled back for one goes on', async () => {
    await shop.dataSource.transaction(async (manager) => {
      const nested = manager.transaction(async (inner) => {
        void river.insertTx(inner, new SendReceipt('bad'), BAD);
      });
      expect(await failure(nested)).toMatchObject(refusedByUs);
      await river.insertTx(manager, new SendReceipt('good'));
    });
    expect(await stored(shop.database)).toMatchObject({ jobs: 1 });
  });
});

describe('a poller that is first started inside of a transaction', () => {
  /** Polls by an injected repository, and takes note of what becomes of it. */
  function poll(outcomes: unknown[]): NodeJS.Timeout {
    return setInterval(() => {
      void failure(repo.count()).then((outcome) => outcomes.push(outcome));
    }, 10);
  }

  test('is refused after its end, and told of transaction.outside', async () => {
    const outcomes: unknown[] = [];
    let timer: NodeJS.Timeout | undefined;
    await transaction.run(async () => {
      await repo.insert({ item: 'book' });
      timer = poll(outcomes);
    });
    await pause(60);
    clearInterval(timer);
    await pause(20);
    expect(outcomes.length).toBeGreaterThan(1);
    for (const outcome of outcomes) {
      expect(outcome).toBeInstanceOf(TransactionEndedError);
      expect((outcome as Error).message).toContain('transaction.outside');
    }
  });

  test.each([
    ["afterEnd: 'detach'", 'detach', (work: () => void): void => work()],
    ['transaction.outside()', 'refuse', (work: () => void): void => void transaction.outside(work)],
  ] as const)('runs on its own by %s', async (_how, afterEnd, start) => {
    const outcomes: unknown[] = [];
    let timer: NodeJS.Timeout | undefined;
    await transaction.run({ afterEnd }, async () => {
      await repo.insert({ item: 'book' });
      start(() => (timer = poll(outcomes)));
    });
    await pause(60);
    clearInterval(timer);
    await pause(50);
    expect(outcomes.length).toBeGreaterThan(1);
    expect(new Set(outcomes)).toEqual(new Set(['resolved']));
  });

  test('that opens transactions of its own is refused, too, and by afterEnd not', async () => {
    for (const afterEnd of ['refuse', 'detach'] as const) {
      let late: Promise<unknown> = Promise.resolve();
      await transaction.run({ afterEnd }, () => {
        late = failure(pause().then(() => transaction.run(() => 'nothing asked')));
      });
      const outcome = await late;
      if (afterEnd === 'detach') expect(outcome).toBe('resolved');
      else expect(outcome).toBeInstanceOf(TransactionEndedError);
    }
  });
});
